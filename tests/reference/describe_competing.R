# Relapse and death without relapse of 2,279 patients after transplantation (ebmt4): incidences at horizons whole,
# by match and from day 100 on by recovery; Gray's tests; cause-specific Cox and Fine-Gray models.
# Rscript tests/reference/describe_competing.R ebmt4.csv  (writes describe_competing.json beside itself)
suppressPackageStartupMessages({library(cmprsk); library(survival); library(jsonlite)})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 100)
d <- read.csv(commandArgs(TRUE)[1])
d$time <- pmin(d$rel, d$srv)
d$cause <- ifelse(d$rel.s == 1, 1, ifelse(d$srv.s == 1, 2, 0))
horizons <- c(365.25, 1826.25)

at <- function(rows) {
  fit <- survfit(Surv(time, factor(cause, 0:2)) ~ 1, data = d[rows, ], id = seq_len(sum(rows)), conf.type = "log-log")
  s <- summary(fit, times = horizons)
  counts <- table(factor(d$cause[rows], 0:2))
  error <- unname(s$std.err[, -1]); p <- unname(s$pstate[, -1])
  # survfit's own "log-log" limits are those of 1 - F; ours are symmetric on log(-log F).
  half <- qnorm(0.975) * error / (p * abs(log(p)))
  list(n = sum(rows), n_events = unname(c(counts[2:3])), n_at_risk = sapply(horizons, function(h) sum(d$time[rows] >= h)),
       incidence = t(p), std_error = t(error), lower = t(p^exp(half)), upper = t(p^exp(-half)))
}

gray <- function(rows, group) {
  found <- with(d[rows, ], cuminc(time, cause, group[rows]))$Tests
  list(statistic = unname(found[, "stat"]), p_value = unname(found[, "pv"]), df = unname(found[, "df"]))
}

late <- d$time > 91.3125
recovered <- d$rec.s == 1 & d$rec <= 91.3125
matched <- d$match == "gender mismatch"

X <- with(d, cbind("agecl=20-40" = agecl == "20-40", "agecl=>40" = agecl == ">40", "proph=yes" = proph == "yes",
                   "match=gender mismatch" = match == "gender mismatch")) * 1
at_maximum <- function(of) {
  fit <- crr(d$time, d$cause, X, failcode = of)
  for (i in 1:3) {  # crr stops up to 1e-6 short of its own maximum
    step <- c(fit$invinf %*% fit$score)
    fit <- suppressWarnings(crr(d$time, d$cause, X, failcode = of, init = unname(fit$coef) + step, maxiter = 0, gtol = 1e-15))
  }
  stopifnot(max(abs(fit$invinf %*% fit$score)) < 1e-12)
  fit
}
models <- lapply(1:2, function(of) {
  cs <- coxph(Surv(time, cause == of) ~ X, data = d, control = strict)
  fg <- at_maximum(of)
  list(cause_specific = list(coef = unname(coef(cs)), std_error = unname(sqrt(diag(vcov(cs))))),
       subdistribution = list(coef = unname(fg$coef), std_error = unname(sqrt(diag(fg$var)))))
})

made <- list(
  versions = list(R = R.version.string, cmprsk = as.character(packageVersion("cmprsk")), survival = as.character(packageVersion("survival"))),
  horizons = horizons, terms = colnames(X),
  whole = at(rep(TRUE, nrow(d))), same = at(!matched), different = at(matched), gray = gray(rep(TRUE, nrow(d)), matched),
  landmark = list(not = at(late & !recovered), recovered = at(late & recovered), gray = gray(late, recovered),
                  n_event_before = sum(!late & d$cause > 0), n_censored_before = sum(!late & d$cause == 0)),
  models = models
)
write_json(made, file.path(here, "describe_competing.json"), digits = NA, auto_unbox = TRUE, null = "null")
