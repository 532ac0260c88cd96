# What a reproduction of 2,279 EBMT patients shows: counts, curves, medians, log-rank tests.
# Rscript tests/reference/reproduction.R ../shared/reference/ebmt4_all.csv  (writes reproduction.json beside itself)
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
data$rfs <- pmin(data$rel, data$srv)
data$rfs.s <- pmax(data$rel.s, data$srv.s)
horizons <- c(365.25, 730.5, 1826.25)

curve <- function(time, event, group = NULL, from = 0) {
  keep <- time > from
  time <- time[keep]; event <- event[keep]
  group <- if (is.null(group)) rep("all", length(time)) else group[keep]
  parts <- lapply(split(seq_along(time), group), function(i) {
    fit <- survfit(Surv(time[i], event[i]) ~ 1, conf.type = "log-log")
    follow <- survfit(Surv(time[i], 1 - event[i]) ~ 1, conf.type = "log-log")
    at <- summary(fit, times = horizons, extend = TRUE)
    median <- summary(fit)$table[c("median", "0.95LCL", "0.95UCL")]
    list(n = length(i), n_events = sum(event[i]), median = unname(median),
         follow_up = unname(summary(follow)$table[c("median", "0.95LCL", "0.95UCL")]),
         survival = at$surv, lower = at$lower, upper = at$upper, n_at_risk = at$n.risk)
  })
  p <- if (length(parts) > 1) survdiff(Surv(time, event) ~ group)$pvalue else NULL
  list(groups = parts, p = p)
}
at <- 91.3125
happened <- ifelse(data$ae.s == 1 & data$ae <= at, "true", "false")
counts <- lapply(c(agecl = "agecl", proph = "proph", match = "match"), function(v) {
  made <- table(data[[v]], data$year)
  lapply(setNames(rownames(made), rownames(made)), function(l) as.list(made[l, ]))
})
write(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  counts = counts,
  curves = list(
    "os-overall" = curve(data$srv, data$srv.s), "rfs-overall" = curve(data$rfs, data$rfs.s),
    "os-year" = curve(data$srv, data$srv.s, data$year), "os-age" = curve(data$srv, data$srv.s, data$agecl),
    "os-adverse-event-landmark" = curve(data$srv, data$srv.s, happened, at)
  )
), digits = NA, auto_unbox = TRUE, na = "null", null = "null"), file.path(here, "reproduction.json"))
