# Fine-Gray models in both of R's conventions, and cause-specific Cox models with their incidences,
# on 40 made-up cohorts with ties and on ebmt1 (1,977 patients after transplantation).
# Rscript tests/reference/competing_regression.R FOLDER  (ebmt1.csv there, as written by
# tests/zoo/zoo.py; writes competing_regression.json beside itself)
suppressPackageStartupMessages({library(cmprsk); library(riskRegression); library(survival); library(jsonlite)})
set.seed(1999)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 100)
column <- function(...) unname(c(...))

# crr's line search stops up to 1e-6 short of its own maximum; Newton steps of its own score and information end there.
at_maximum <- function(data, X, ...) {
  fit <- crr(data$time, data$cause, X, ...)
  for (i in 1:3) {
    step <- c(fit$invinf %*% fit$score)
    fit <- suppressWarnings(crr(data$time, data$cause, X, init = unname(fit$coef) + step, maxiter = 0, gtol = 1e-15, ...))
  }
  stopifnot(max(abs(fit$invinf %*% fit$score)) < 1e-12)
  fit
}

of_crr <- function(data, X, grouped = FALSE) {
  fit <- if (grouped) at_maximum(data, X, cengroup = data$strata) else at_maximum(data, X)
  predicted <- predict(fit, X[1:3, , drop = FALSE])
  list(coef = column(fit$coef), std_error = sqrt(diag(fit$var)), naive = column(sqrt(diag(fit$invinf))),
       loglik = fit$loglik, loglik_null = fit$loglik.null, times = predicted[, 1], incidence = t(unname(predicted[, -1])))
}

of_finegray <- function(formula, data, ties, weights = NULL, cluster = "id") {
  long <- if (is.null(weights)) finegray(formula, data = data, etype = "1", id = id)
          else finegray(formula, data = data, etype = "1", id = id, weights = w)
  fit <- eval(bquote(coxph(Surv(fgstart, fgstop, fgstatus) ~ x1 + x2, data = long, weights = fgwt, ties = .(ties),
                           cluster = .(as.name(cluster)), control = strict)))
  list(coef = column(coef(fit)), std_error = sqrt(diag(fit$var)), naive = sqrt(diag(fit$naive.var)), loglik = fit$loglik)
}

of_causes <- function(data) {
  fit <- CSC(Hist(time, cause) ~ x1 + x2, data = data[, c("time", "cause", "x1", "x2")], control = strict)
  times <- sort(unique(data$time[data$cause > 0]))
  times <- times[seq(1, length(times), length.out = min(12, length(times)))]
  read <- function(cause) unname(predict(fit, newdata = data[1:3, ], times = times, cause = cause, product.limit = TRUE)$absRisk)
  list(coef = unname(lapply(fit$models, function(m) column(coef(m)))), times = times, incidence = list(read(1), read(2)))
}

one <- function(i) {
  n <- c(70, 110, 160)[i %% 3 + 1]
  grid <- c(1, 0.25, 1e-6, 0.01)[i %% 4 + 1]
  data <- data.frame(id = 1:n, x1 = round(rnorm(n), 3), x2 = rbinom(n, 1, 0.4))
  rate <- cbind(exp(0.5 * data$x1) / 12, exp(0.4 * data$x2 - 0.3 * data$x1) / 10, 1 / 15)
  latent <- matrix(rexp(3 * n, rate), n)
  data$time <- pmax(grid, round(apply(latent, 1, min) / grid) * grid)
  data$cause <- c(1, 2, 0)[apply(latent, 1, which.min)]
  data$strata <- sample(1:2, n, TRUE)
  data$centre <- sample(1:8, n, TRUE)
  data$w <- round(runif(n, 0.3, 2), 2)
  # Three in five enter late, on the grid of times.
  data$start <- pmin(round(runif(n, 0, 2) * rbinom(n, 1, 0.6) / grid) * grid, data$time - grid)
  data$status <- factor(data$cause, 0:2, c("0", "1", "2"))
  X <- as.matrix(data[, c("x1", "x2")])
  simple <- Surv(time, status) ~ x1 + x2 + id + w + centre
  list(
    data = as.list(data[, c("time", "cause", "x1", "x2", "strata", "centre", "w", "start")]),
    crr = of_crr(data, X), crr_grouped = of_crr(data, X, TRUE)[c("coef", "naive", "loglik")],
    efron = of_finegray(simple, data, "efron"), breslow = of_finegray(simple, data, "breslow"),
    weighted = of_finegray(simple, data, "efron", weights = "w"),
    clustered = of_finegray(simple, data, "efron", cluster = "centre"),
    entry = of_finegray(Surv(start, time, status) ~ x1 + x2 + id + w + centre, data, "efron"),
    causes = of_causes(data)
  )
}

ebmt <- read.csv(file.path(commandArgs(TRUE)[1], "ebmt1.csv"))
real <- data.frame(time = pmin(ebmt$rel, ebmt$srv), cause = ifelse(ebmt$relstat == 1, 1, ifelse(ebmt$srvstat == 1, 2, 0)),
                   age = ebmt$age, medium = as.integer(ebmt$score == "Medium risk"), high = as.integer(ebmt$score == "High risk"))
X <- as.matrix(real[, c("age", "medium", "high")])
real$id <- seq_len(nrow(real))
long <- finegray(Surv(time, factor(cause)) ~ ., data = real, etype = "1")
finegrayed <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + medium + high, data = long, weights = fgwt, cluster = id, control = strict)
default <- crr(real$time, real$cause, X)
cause <- CSC(Hist(time, cause) ~ age + medium + high, data = real, control = strict)
times <- c(365.25, 1826.25)

made <- list(
  versions = list(R = R.version.string, cmprsk = as.character(packageVersion("cmprsk")), survival = as.character(packageVersion("survival")),
                  riskRegression = as.character(packageVersion("riskRegression"))),
  cases = lapply(1:40, one),
  ebmt1 = list(
    crr = of_crr(real, X), crr_default = list(coef = column(default$coef), std_error = sqrt(diag(default$var))),
    finegray = list(coef = column(coef(finegrayed)), std_error = sqrt(diag(finegrayed$var))),
    causes = list(coef = unname(lapply(cause$models, function(m) column(coef(m)))), times = times,
                  incidence = lapply(1:2, function(k) unname(predict(cause, newdata = real[1:20, ], times = times, cause = k, product.limit = TRUE)$absRisk)))
  )
)
write_json(made, file.path(here, "competing_regression.json"), digits = NA, auto_unbox = TRUE, null = "null", matrix = "rowmajor")
