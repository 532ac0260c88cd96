# Cumulative incidence and Gray's test on 120 small cohorts with ties and strata.
# Rscript tests/reference/competing.R  (writes competing.json beside itself)
suppressPackageStartupMessages(library(cmprsk))
library(survival)
library(jsonlite)
set.seed(1988)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

one <- function(i) {
  n <- sample(c(12, 30, 60, 110), 1)
  grid <- c(1, 0.25, 0.01)[i %% 3 + 1]
  data <- data.frame(
    time = pmax(grid, round(rexp(n, 1 / 8) / grid) * grid),
    cause = sample(0:2, n, TRUE, c(0.3, 0.4, 0.3)),
    group = sample(letters[1:(i %% 3 + 2)], n, TRUE), strata = sample(1:2, n, TRUE)
  )
  data$start <- pmax(0, data$time - grid * sample(1:40, n, TRUE))
  all <- with(data, cuminc(time, cause))
  upto <- sort(unique(data$time))
  points <- timepoints(all, upto)
  entry <- survfit(Surv(start, time, factor(cause, 0:2)) ~ 1, data = data, id = seq_len(n))
  states <- survfit(Surv(time, factor(cause, 0:2)) ~ 1, data = data)
  test <- function(...) {
    found <- try(with(data, cuminc(time, cause, group, ...))$Tests, silent = TRUE)
    if (inherits(found, "try-error")) NULL else unname(found[, c("stat", "df")])
  }
  list(data = as.list(data), time = upto, incidence = unname(points$est), variance = unname(points$var),
       std_error = t(unname(states$std.err[, -1])),
       entry_time = entry$time, entry_std_error = t(unname(entry$std.err[, -1])), entry_incidence = t(unname(entry$pstate[, -1])),
       test = test(), stratified = test(strata = data$strata))
}

made <- list(
  versions = list(R = R.version.string, cmprsk = as.character(packageVersion("cmprsk")),
                  survival = as.character(packageVersion("survival"))),
  cases = lapply(1:120, one)
)
write_json(made, file.path(here, "competing.json"), digits = NA, auto_unbox = TRUE, null = "null")
