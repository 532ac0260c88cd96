# Recovery, adverse event, both, relapse and death of 2,279 patients after transplantation (ebmt4): moves, probabilities
# of each state with errors, mean times, and the effect of a donor of the other sex on every transition.
# Rscript tests/reference/describe_states.R ebmt4.csv  (writes describe_states.json beside itself)
suppressPackageStartupMessages({library(survival); library(jsonlite)})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
d <- read.csv(commandArgs(TRUE)[1])
d$id <- seq_len(nrow(d)); d$end <- pmin(d$rel, d$srv); d$other <- as.integer(d$match == "gender mismatch")
names <- c("recovery", "adverse_event", "both", "relapse", "death")
when <- function(time, status) ifelse(status == 1, time, NA)
m <- tmerge(d[, c("id", "other")], d, id = id, death = event(end, srv.s == 1 & rel.s == 0), relapse = event(end, rel.s == 1),
            both = event(when(recae, recae.s)), adverse = event(when(ae, ae.s)), recovery = event(when(rec, rec.s)))
# Of several on one day the gravest counts.
m$event <- factor(with(m, ifelse(death == 1, 5, ifelse(relapse == 1, 4, ifelse(both == 1, 3, ifelse(adverse == 1, 2, ifelse(recovery == 1, 1, 0)))))),
                  0:5, c("none", names))
horizons <- c(100, 365.25, 1826.25)
moves <- survcheck(Surv(tstart, tstop, event) ~ 1, data = m, id = id)$transitions
fit <- survfit(Surv(tstart, tstop, event) ~ 1, data = m, id = id, influence = TRUE)
at <- summary(fit, times = horizons)
mean_time <- summary(fit, rmean = 1826.25)$table
cox <- coxph(Surv(tstart, tstop, event) ~ other, data = m, id = id)  # converged as R does by default, to 1e-9 of the log-likelihood
made <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  states = c("start", names), horizons = horizons,
  moves = unname(unclass(moves[c("(s0)", names[1:3]), names])),
  probability = unname(at$pstate), std_error = unname(at$std.err),
  mean_time = unname(mean_time[, "rmean"]),
  effects = list(transition = sub("other_", "", names(coef(cox))), coef = unname(coef(cox)), std_error = unname(sqrt(diag(vcov(cox)))))
)
write_json(made, file.path(here, "describe_states.json"), digits = NA, auto_unbox = TRUE, null = "null")
