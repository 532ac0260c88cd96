# Survival at times, risk tables, quantiles, near-ties and delayed entry on named cohorts.
# Rscript tests/reference/nonparametric_times.R  (writes nonparametric_times.json beside itself)
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

read <- function(fit, times) {
  found <- summary(fit, times = times)
  list(times = found$time, survival = found$surv, lower = found$lower, upper = found$upper,
       cumulative_hazard = found$cumhaz, n_at_risk = found$n.risk, n_events = found$n.event, n_censored = found$n.censor)
}

aml_fit <- survfit(Surv(time, status) ~ 1, data = aml, conf.type = "log-log")
probs <- c(0.1, 0.25, 0.5, 0.6)
spread <- quantile(aml_fit, probs)

# Two causes in turn; beyond the last time survfit gives nothing.
causes <- transform(aml, cause = ifelse(status == 1, seq_along(status) %% 2 + 1, 0))
both <- summary(survfit(Surv(time, factor(cause, 0:2)) ~ 1, data = causes, conf.type = "log-log"),
                times = c(0, 5, 13, 30, 45.5, 100))

# One half exactly: four patients, two of them gone by 2.
flat <- survfit(Surv(1:4, rep(1, 4)) ~ 1, conf.type = "plain")

# Times that differ by rounding only.
near <- c(0.3, 0.1 + 0.2, 0.7, 1 - 0.3, 1.1, 2.2, 1.1 * 3, 3.3)
near_fit <- survfit(Surv(near, c(1, 1, 0, 1, 1, 0, 1, 1)) ~ 1, conf.type = "log-log")

# Score test of Cox without ties is the log-rank test, with delayed entry as well.
set.seed(3)
n <- 80
entry <- data.frame(start = round(runif(n, 0, 5), 6), group = rep(0:1, n / 2))
entry$time <- entry$start + round(rexp(n, 0.2), 6) + 1e-3
entry$event <- rbinom(n, 1, 0.7)
score <- coxph(Surv(start, time, event) ~ group, data = entry, ties = "breslow")$score

made <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  aml = list(time = aml$time, event = aml$status, read = read(aml_fit, c(0, 5, 13, 30, 45.5, 100)),
             probs = probs, quantile = unname(spread$quantile), lower = unname(spread$lower),
             upper = unname(spread$upper),
             follow_up = unname(summary(survfit(Surv(time, 1 - status) ~ 1, data = aml,
                                                conf.type = "log-log"))$table[7:9])),
  causes = list(time = causes$time, cause = causes$cause, times = both$time,
                incidence = both$pstate[, -1], lower = both$lower[, -1], upper = both$upper[, -1]),
  flat = unname(summary(flat)$table[7:9]),
  near = list(time = near, distinct = near_fit$time, n_at_risk = near_fit$n.risk,
              survival = near_fit$surv, lower = near_fit$lower),
  entry = c(as.list(entry), list(score = score))
)
write_json(made, file.path(here, "nonparametric_times.json"), digits = I(17), auto_unbox = TRUE,
           na = "null")
