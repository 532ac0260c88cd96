# Times that differ by rounding only: one time for curve, test and regression (aeqSurv, on by default).
# Rscript near_ties.R near_ties.json
suppressMessages({library(survival); library(jsonlite)})
samples <- list(
  below_one = list(time = c(0.1, 0.1 + 5e-9, 0.2, 0.3), group = c(0, 1, 0, 1)),
  in_thousands = list(time = 1000 * c(0.1, 0.1 + 5e-9, 0.2, 0.3), group = c(0, 1, 0, 1)),
  apart = list(time = c(0.1, 0.1 + 5e-8, 0.2, 0.3), group = c(0, 1, 0, 1)),
  relative = list(time = 1e6 * c(1, 1 + 2e-8, 2, 3, 4), group = c(0, 1, 0, 1, 1)),
  absolute = list(time = c(1e-8, 2e-8, 0.5, 0.7, 0.9), group = c(1, 0, 0, 1, 1))
)
cases <- lapply(samples, function(s) {
  event <- rep(1, length(s$time))
  curve <- survfit(Surv(s$time, event) ~ 1)
  list(time = s$time, group = s$group, n_times = length(curve$time), survival = curve$surv,
       logrank = unname(survdiff(Surv(s$time, event) ~ s$group)$chisq),
       score = unname(coxph(Surv(s$time, event) ~ s$group, iter.max = 0)$score))
})
write_json(list(R = R.version.string, survival = as.character(packageVersion("survival")), cases = cases),
           commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE)
