# Measures of prediction on random cohorts: tied times, tied scores, light and heavy censoring.
# Rscript discrimination_random.R   writes discrimination_random.json

suppressMessages({
  library(survival)
  library(riskRegression)
  library(jsonlite)
})
set.seed(20230416)

cohort <- function(k) {
  n <- sample(20:70, 1)
  x <- rnorm(n)
  event_time <- rexp(n, exp(0.8 * x) / 20)
  censored_at <- if (k %% 4 == 0) rep(200, n) else runif(n, 3, if (k %% 4 == 1) 25 else 80)
  digits <- if (k %% 2 == 0) 0 else 3
  time <- pmax(round(pmin(event_time, censored_at), digits), 10^-digits)
  a <- round(x + rnorm(n, sd = 0.5), if (k %% 3 == 0) 1 else 6)
  b <- round(0.5 * x + rnorm(n), if (k %% 5 == 0) 0 else 6)
  data.frame(
    time = time, event = as.numeric(event_time <= censored_at), a = a, b = b,
    risk = round(1 - exp(-0.5 * exp(0.6 * a)), 6), copies = sample(0:3, n, replace = TRUE)
  )
}

concordances <- function(d, weight, tau = NULL) {
  surv <- Surv(d$time, d$event)
  fit <- function(x) {
    concordancefit(surv, x, timewt = weight, ymax = tau, reverse = TRUE, influence = 1)
  }
  one <- fit(d$a)
  two <- fit(d$b)
  list(
    value = unname(one$concordance), std_error = sqrt(c(one$var)),
    difference = unname(one$concordance - two$concordance),
    std_error_of_difference = sqrt(sum((one$dfbeta - two$dfbeta)^2))
  )
}

measure <- function(k) {
  d <- cohort(k)
  # A horizon that some reach, with events before it.
  horizon <- unname(quantile(d$time, 0.6, type = 1))
  s <- suppressWarnings(Score(
    list(model = d$risk), Surv(time, event) ~ 1, data = d, times = horizon,
    metrics = c("auc", "brier"), summary = "ipa", null.model = TRUE, se.fit = TRUE
  ))
  auc <- as.data.frame(s$AUC$score)
  brier <- as.data.frame(s$Brier$score)
  brier <- brier[brier$model == "model", ]
  km <- summary(survfit(Surv(time, event) ~ 1, d), times = horizon)
  early <- d
  early$event <- ifelse(d$time > horizon, 0, d$event)
  early$time <- pmin(d$time, horizon)
  early$cll <- log(-log(1 - early$risk))
  slope <- coxph(Surv(time, event) ~ cll, early)
  # royston() turns a score with a negative coefficient around.
  by_score <- coxph(Surv(time, event) ~ a, d)
  D <- royston(by_score, ties = TRUE)
  copied <- concordancefit(Surv(d$time, d$event), d$a, weights = d$copies, reverse = TRUE)
  list(
    time = d$time, event = d$event, a = d$a, b = d$b, risk = d$risk, horizon = horizon,
    copies = d$copies, harrell_of_copies = unname(copied$concordance),
    harrell = concordances(d, "n"), uno = concordances(d, "n/G2"),
    uno_tau = concordances(d, "n/G2", horizon),
    auc = list(value = auc$AUC, std_error = auc$se),
    brier = list(value = brier$Brier, std_error = brier$se), ipa = brier$IPA,
    observed_expected_ratio = list(
      value = (1 - km$surv) / mean(d$risk), std_error = km$std.err / (1 - km$surv)
    ),
    slope = list(value = unname(coef(slope)), std_error = sqrt(c(vcov(slope)))),
    royston = list(d = D[["D"]] * sign(coef(by_score)[[1]]), std_error = D[["se(D)"]], r2 = D[["R.D"]])
  )
}

write_json(list(
  command = "Rscript discrimination_random.R",
  r = R.version.string,
  packages = as.list(sapply(
    c("survival", "riskRegression"), function(p) as.character(packageVersion(p))
  )),
  cohorts = lapply(1:200, measure)
), "discrimination_random.json", digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE)
