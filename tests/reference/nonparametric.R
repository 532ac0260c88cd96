# Kaplan-Meier, Nelson-Aalen and log-rank on 210 small cohorts with ties, weights, entry, strata.
# Rscript tests/reference/nonparametric.R  (writes nonparametric.json beside itself)
library(survival)
library(jsonlite)
set.seed(20230516)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

curve <- function(data, conf, weights, entry) {
  outcome <- if (entry) with(data, Surv(start, time, event)) else with(data, Surv(time, event))
  w <- if (weights == "none") rep(1, nrow(data)) else data$weights
  fit <- survfit(outcome ~ 1, weights = w, conf.type = conf, data = data)
  tau <- quantile(data$time, 0.6, type = 1, names = FALSE)
  table <- summary(fit, rmean = tau)$table
  list(
    time = fit$time, n_at_risk = fit$n.risk, n_events = fit$n.event, n_censored = fit$n.censor,
    survival = fit$surv, std_error = summary(fit, censored = TRUE)$std.err, lower = fit$lower,
    upper = fit$upper, cumulative_hazard = fit$cumhaz, hazard_std_error = fit$std.chaz,
    median = unname(table[c("median", "0.95LCL", "0.95UCL")]), tau = tau,
    restricted_mean = unname(table[c("rmean", "se(rmean)")])
  )
}

one <- function(i) {
  n <- sample(8:60, 1)
  grid <- c(1, 0.25, 0.01)[i %% 3 + 1]
  time <- pmax(grid, round(rexp(n, 1 / 10) / grid) * grid)
  data <- data.frame(
    time = time, event = rbinom(n, 1, 0.7), start = pmax(0, time - grid * sample(1:40, n, TRUE)),
    group = sample(letters[1:sample(2:4, 1)], n, TRUE), strata = sample(1:3, n, TRUE)
  )
  kind <- sample(c("none", "whole", "fraction"), 1)
  data$weights <- if (kind == "fraction") round(runif(n, 0.2, 3), 3) else sample(1:4, n, TRUE)
  conf <- c("log-log", "log", "plain")[i %% 3 + 1]
  entry <- i %% 2 == 0
  result <- list(data = as.list(data), weighting = kind, conf_type = conf, entry = entry,
                 curve = curve(data, conf, kind, entry))
  test <- function(formula, rho) {
    fit <- try(survdiff(formula, data = data, rho = rho), silent = TRUE)
    if (inherits(fit, "try-error")) return(NULL)
    total <- function(x) if (is.matrix(x)) rowSums(x) else x
    list(statistic = unname(fit$chisq), p_value = unname(fit$pvalue), observed = unname(total(fit$obs)),
         expected = unname(total(fit$exp)), covariance = unname(fit$var))
  }
  result$logrank <- test(Surv(time, event) ~ group, 0)
  result$peto <- test(Surv(time, event) ~ group, 1)
  result$stratified <- test(Surv(time, event) ~ group + strata(strata), 0)
  result$stratified_peto <- test(Surv(time, event) ~ group + strata(strata), 1)
  result
}

made <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  cases = lapply(1:210, one)
)
write_json(made, file.path(here, "nonparametric.json"), digits = NA, auto_unbox = TRUE,
           na = "null", null = "null")
