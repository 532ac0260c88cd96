# Rubin's rules and pooled tests on 60 made-up sets of imputations.
# Rscript tests/reference/pooling.R  (writes pooling.json beside itself)
library(jsonlite)
suppressPackageStartupMessages(library(mice))
library(mitml)
set.seed(7)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

one <- function(i) {
  m <- sample(c(3, 5, 20), 1)
  k <- sample(1:4, 1)
  base <- crossprod(matrix(rnorm(k * (k + 3)), ncol = k)) / 10
  within <- replicate(m, base * runif(1, 0.8, 1.2), simplify = FALSE)
  estimates <- matrix(rnorm(m * k, sd = 0.3), m) + rep(rnorm(k, sd = 0.6), each = m)
  complete <- if (i %% 2) Inf else sample(c(40, 69, 200), 1)
  single <- t(sapply(seq_len(k), function(j) {
    pool <- pool.scalar(estimates[, j], sapply(within, function(u) u[j, j]), n = complete + 1, k = 1)
    unlist(pool[c("qbar", "t", "df", "r", "fmi")])
  }))
  stack <- array(unlist(within), c(k, k, m))
  d1 <- mitml:::.D1(t(estimates), stack, if (is.finite(complete) && k * (m - 1) > 4) complete)
  own <- sapply(seq_len(m), function(j) drop(estimates[j, ] %*% solve(within[[j]], estimates[j, ])))
  d2 <- mitml:::.D2(own, k)
  list(estimates = estimates, covariances = aperm(stack, c(3, 1, 2)), df_complete = complete,
       coefficients = unname(single), own = own,
       d1 = c(d1$F, d1$v, pf(d1$F, k, d1$v, lower.tail = FALSE), d1$r),
       d2 = c(d2$F, d2$v, pf(d2$F, k, d2$v, lower.tail = FALSE), d2$r))
}

# Likelihood-ratio tests of nested linear models in imputed data.
likelihood <- function(seed) {
  set.seed(seed)
  n <- 60
  x <- matrix(rnorm(n * 3), n)
  y <- drop(x %*% c(0.4, 0.2, 0)) + rnorm(n)
  full <- data.frame(y, x)
  full$X2[sample(n, 20)] <- NA
  full$X3[sample(n, 10)] <- NA
  data <- complete(mice(full, m = 6, maxit = 3, printFlag = FALSE, seed = seed), "all")
  big <- lapply(data, function(d) lm(y ~ X1 + X2 + X3, d))
  small <- lapply(data, function(d) lm(y ~ X1, d))
  loglik <- function(fit, beta, sigma2, d) {
    r <- d$y - drop(model.matrix(fit) %*% beta)
    -n / 2 * log(2 * pi * sigma2) - sum(r^2) / (2 * sigma2)
  }
  averaged <- function(fits) {
    beta <- rowMeans(sapply(fits, coef))
    sigma2 <- mean(sapply(fits, function(f) sum(resid(f)^2) / n))
    mapply(function(f, d) loglik(f, beta, sigma2, d), fits, data)
  }
  own <- 2 * (sapply(big, logLik) - sapply(small, logLik))
  pooled <- 2 * (averaged(big) - averaged(small))
  stack <- do.call(rbind, data)
  stacked <- 2 * as.numeric(logLik(lm(y ~ X1 + X2 + X3, stack)) - logLik(lm(y ~ X1, stack))) / 6
  d3 <- testModels(big, small, method = "D3", ariv = "positive")$test
  d4 <- testModels(big, small, method = "D4", ariv = "positive", data = data)$test
  list(own = unname(own), at_pooled = unname(pooled), stacked = stacked,
       d3 = unname(drop(d3))[c(1, 3, 4, 5)], d4 = unname(drop(d4))[c(1, 3, 4, 5)])
}

made <- list(
  versions = list(R = R.version.string, mice = as.character(packageVersion("mice")),
                  mitml = as.character(packageVersion("mitml"))),
  cases = lapply(1:60, one), likelihood = lapply(1:10, likelihood)
)
write_json(made, file.path(here, "pooling.json"), digits = NA, auto_unbox = TRUE)
