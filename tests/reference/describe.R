# Descriptions of 2,279 EBMT patients: tests of a table of characteristics, numbers under curves,
# univariable Cox models, immortal time.
# Rscript tests/reference/describe.R ../shared/reference/ebmt4_all.csv  (writes describe.json beside itself)
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
data$agecl <- factor(data$agecl, c("<=20", "20-40", ">40"))
data$year <- factor(data$year)
data$match <- factor(data$match, c("no gender mismatch", "gender mismatch"))
years <- split(seq_len(nrow(data)), data$year)

# Yang and Dalton (2012): Mahalanobis distance between two sets of proportions.
difference <- function(x, a, b) {
  p <- sapply(list(a, b), function(i) prop.table(table(x[i]))[-1])
  p <- matrix(p, ncol = 2)
  s <- Reduce(`+`, lapply(1:2, function(k) diag(p[, k], nrow(p)) - p[, k] %o% p[, k])) / 2
  d <- p[, 1] - p[, 2]
  sqrt(drop(d %*% solve(s, d)))
}
largest <- function(x) max(combn(3, 2, function(k) difference(x, years[[k[1]]], years[[k[2]]])))
levels_p <- sapply(levels(data$agecl), function(l) {
  chisq.test(table(data$agecl == l, data$year), correct = FALSE)$p.value
})

numbers <- function(i, at) {
  t <- data$srv[i]
  d <- data$srv.s[i]
  c(sum(t >= at), sum(t < at & d == 0), sum(t < at & d == 1))
}
times <- c(0, 365.25, 1826.25)

row <- function(fit, k) {
  s <- summary(fit)
  c(coef = s$coefficients[k, "coef"], se = s$coefficients[k, "se(coef)"], p = s$coefficients[k, "Pr(>|z|)"],
    n = fit$n, events = fit$nevent)
}
long <- tmerge(data, data, id = id, death = event(srv, srv.s), ae_t = tdc(ifelse(ae.s == 1, ae, NA)))
at <- 91.3125
there <- subset(data, srv > at)
there$ae_lm <- as.numeric(there$ae.s == 1 & there$ae <= at)
immortal <- list(
  naive = row(coxph(Surv(srv, srv.s) ~ agecl + ae.s, data), 3),
  time_dependent = row(coxph(Surv(tstart, tstop, death) ~ agecl + ae_t, long), 3),
  landmark = row(coxph(Surv(srv, srv.s) ~ agecl + ae_lm, there), 3)
)
univariable <- lapply(c(year = "year", agecl = "agecl", proph = "proph"), function(v) {
  fit <- coxph(reformulate(v, "Surv(srv, srv.s)"), data)
  list(coef = unname(coef(fit)), p = unname(summary(fit)$coefficients[, 5]),
       joint = unname(if (length(coef(fit)) > 1) summary(fit)$logtest["pvalue"] else summary(fit)$coefficients[, 5]))
})
write(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  differences = list(agecl = largest(data$agecl), proph = largest(data$proph), match = largest(data$match)),
  agecl_p = unname(levels_p), times = times,
  numbers = lapply(years, function(i) lapply(times, function(at) numbers(i, at))),
  immortal = lapply(immortal, as.list), univariable = univariable
), digits = NA, auto_unbox = TRUE), file.path(here, "describe.json"))
