# Models of chained equations: least squares, donors, multinomial and proportional odds.
# Rscript tests/reference/chained.R  (writes chained.json beside itself)
library(jsonlite)
suppressPackageStartupMessages({library(mice); library(ordinal)})
set.seed(31)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

predictors <- function(n, p) {
  x <- matrix(round(rnorm(n * p), 2), n)
  x[, 1] <- as.numeric(x[, 1] > 0.3)
  x
}

# What mice's pmm draws from: coefficients, inverse of X'X, residual sum of squares.
squares <- function(i) {
  n <- sample(c(30, 110), 1)
  p <- sample(1:6, 1)
  x <- predictors(n, p)
  y <- round(2 + x[, 1] + rnorm(n), 2)
  known <- runif(n) < 0.7
  fit <- mice:::estimice(cbind(1, x)[known, ], y[known])
  list(x = x, y = y, known = known, coef = unname(as.vector(fit$c)), inverse = unname(fit$v),
       residual = sum(fit$r^2), df = fit$df)
}

# Whom mice's matchindex may draw: the donors met in 400 draws of each target, from 1.
donors <- function(i) {
  observed <- round(rnorm(sample(c(4, 12, 40), 1)), if (i %% 2) 6 else 1)
  asked <- c(round(rnorm(5), 2) + 0.003, -9, 9)  # never as near on either side
  drawn <- replicate(400, mice:::matchindex(observed, asked, 5L))
  values <- lapply(seq_along(asked), function(j) sort(unique(observed[drawn[j, ]])))
  list(observed = observed, asked = asked, values = values)
}

# mice's polyreg and polr fit these models to data augmented after White, Daniel and Royston (2010).
augmented <- function(i, levels, separated) {
  n <- sample(c(60, 110), 1)
  p <- sample(1:4, 1)
  x <- predictors(n, p)
  if (separated) {
    level <- ifelse(x[, 1] == 1, levels, sample(1:(levels - 1), n, replace = TRUE))
  } else {
    level <- findInterval(x[, 1] + rlogis(n), seq(-1, 1.5, length.out = levels - 1)) + 1
  }
  level[1:levels] <- 1:levels
  if (separated) x[1:levels, 1] <- c(rep(0, levels - 1), 1)
  known <- runif(n) < 0.7
  known[1:levels] <- TRUE
  y <- factor(level, levels = 1:levels)
  seen <- y
  seen[!known] <- NA
  aug <- mice:::augment(seen, known, x, !known)
  rows <- data.frame(as.matrix(aug$x)[aug$ry, , drop = FALSE])
  names(rows) <- paste0("x", 1:p)
  list(p = p, x = x, level = level - 1, known = known, rows = rows, y = aug$y[aug$ry],
       w = aug$w[aug$ry])
}

multinomial_case <- function(i) {
  levels <- sample(3:4, 1)
  a <- augmented(i, levels, i %% 3 == 0)
  fit <- nnet::multinom(a$y ~ ., data = a$rows, weights = a$w, Hess = TRUE, trace = FALSE,
                        reltol = 0, abstol = 0, maxit = 5000)
  # nnet stops at about 1e-8; one Newton step with its own information takes it to rounding.
  X <- cbind(1, as.matrix(a$rows))
  step <- function(coef) {
    p <- exp(cbind(0, X %*% t(coef)))
    p <- p / rowSums(p)
    residual <- a$w * (outer(as.integer(a$y), 1:levels, "==") - p)[, -1, drop = FALSE]
    coef + matrix(vcov(fit) %*% as.vector(t(X) %*% residual), nrow = levels - 1, byrow = TRUE)
  }
  list(x = a$x, level = a$level, known = a$known, levels = levels,
       coef = unname(step(step(coef(fit)))), covariance = unname(vcov(fit)))
}

ordered_case <- function(i) {
  levels <- sample(3:5, 1)
  a <- augmented(i, levels, i %% 3 == 0)
  a$rows$y <- factor(a$y, ordered = TRUE)
  fit <- clm(y ~ ., data = a$rows, weights = a$w,
             control = clm.control(gradTol = 1e-12, maxIter = 200))
  list(x = a$x, level = a$level, known = a$known, levels = levels, coef = unname(coef(fit)),
       covariance = unname(vcov(fit)))
}

out <- list(r = R.version.string, mice = as.character(packageVersion("mice")),
            nnet = as.character(packageVersion("nnet")),
            ordinal = as.character(packageVersion("ordinal")),
            squares = lapply(1:12, squares), donors = lapply(1:12, donors),
            multinomial = lapply(1:12, multinomial_case),
            ordered = lapply(1:12, ordered_case))
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null"), file.path(here, "chained.json"))
