# Logistic regressions kept finite for imputation, and Cox models pooled over imputed data.
# Rscript tests/reference/imputation.R  (writes imputation.json beside itself)
library(jsonlite)
library(survival)
suppressPackageStartupMessages(library(mice))
set.seed(11)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

# mice's logreg: weighted glm on data augmented after White, Daniel and Royston (2010).
logistic <- function(i) {
  n <- sample(c(40, 110), 1)
  p <- sample(1:6, 1)
  x <- matrix(round(rnorm(n * p), 2), n)
  x[, 1] <- as.numeric(x[, 1] > 0.3)
  y <- as.numeric(plogis(x[, 1] - 0.5) > runif(n))
  known <- runif(n) < 0.6
  if (i %% 3 == 0) y[known] <- x[known, 1]  # separated: no finite maximum without augmentation
  if (length(unique(y[known])) < 2) y[which(known)[1:2]] <- 0:1
  seen <- y
  seen[!known] <- NA
  aug <- mice:::augment(seen, known, x, !known)
  fit <- glm.fit(cbind(1, as.matrix(aug$x))[aug$ry, ], aug$y[aug$ry], weights = aug$w[aug$ry],
                 family = quasibinomial(link = logit), control = glm.control(epsilon = 1e-14, maxit = 100))
  list(y = y, known = known, x = x, coef = unname(fit$coefficients),
       covariance = unname(summary.glm(fit)$cov.unscaled))
}

# Five completions of a marker; start/stop rows of a transplantation; Rubin by mice.
pooled <- function() {
  n <- 80
  age <- round(rnorm(n, 50, 12))
  marker <- rbinom(n, 1, 0.4)
  time <- round(rexp(n, 0.05 * exp(0.02 * (age - 50) + 0.7 * marker)), 2) + 0.5
  follow_up <- round(runif(n, 5, 60), 2)
  dead <- as.numeric(time <= follow_up)
  months <- pmin(time, follow_up)
  to_sct <- round(runif(n, 1, 12), 2)
  sct <- as.numeric(runif(n) < 0.5 & to_sct < months)
  missing <- runif(n) < 0.4
  wide <- data.frame(id = 1:n, age, months, dead, to_sct = ifelse(sct == 1, to_sct, NA))
  long <- tmerge(wide, wide, id = id, death = event(months, dead), sct = tdc(to_sct))
  completions <- replicate(5, ifelse(missing, rbinom(n, 1, 0.4), marker), simplify = FALSE)
  fits <- lapply(completions, function(m) {
    coxph(Surv(tstart, tstop, death) ~ age + m[id] + sct, data = long)
  })
  k <- 3
  complete <- sum(dead) - k
  answers <- t(sapply(1:k, function(j) {
    q <- sapply(fits, function(f) coef(f)[j])
    u <- sapply(fits, function(f) vcov(f)[j, j])
    s <- pool.scalar(q, u, n = complete + 1, k = 1)
    half <- qt(0.975, s$df) * sqrt(s$t)
    c(coef = s$qbar, se = sqrt(s$t), p = 2 * pt(-abs(s$qbar) / sqrt(s$t), s$df),
      lower = exp(s$qbar - half), upper = exp(s$qbar + half), fmi = s$fmi)
  }))
  list(age = age, months = months, dead = dead, sct = sct, to_sct = wide$to_sct, missing = missing,
       completions = completions, terms = c("age", "marker", "sct"), answers = unname(answers),
       columns = colnames(answers))
}

out <- list(r = R.version.string, mice = as.character(packageVersion("mice")),
            survival = as.character(packageVersion("survival")),
            logistic = lapply(1:20, logistic), pooled = pooled())
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null"), file.path(here, "imputation.json"))
