# The part of imputation_products.py that R plays: smcfcs on every cohort, pooled.
# Rscript tests/benchmarks/imputation_products.R cohorts.csv answers.csv
suppressPackageStartupMessages({library(smcfcs); library(mice); library(survival)})
paths <- commandArgs(trailingOnly = TRUE)
all <- read.csv(paths[1])
m <- 20
formula <- "Surv(time, event) ~ x + z + x:z"

answer <- function(cohort) {
  data <- all[all$cohort == cohort, c("time", "event", "x", "z")]
  data$z <- factor(data$z)
  set.seed(cohort)
  made <- smcfcs(data, smtype = "coxph", smformula = formula, m = m, numit = 10,
                 method = c("", "", "norm", "logreg"))
  fits <- lapply(made$impDatasets, function(d) coxph(as.formula(formula), data = d))
  pooled <- t(sapply(1:3, function(j) {
    s <- pool.scalar(sapply(fits, function(f) coef(f)[j]), sapply(fits, function(f) vcov(f)[j, j]),
                     n = sum(data$event) - 2, k = 1)
    c(s$qbar, sqrt(s$t), s$df)
  }))
  data.frame(cohort = cohort, term = 0:2, coef = pooled[, 1], se = pooled[, 2], df = pooled[, 3])
}

sink("/dev/null")
took <- system.time(answers <- suppressWarnings(lapply(unique(all$cohort), answer)))[["elapsed"]]
sink()
write.csv(do.call(rbind, answers), paths[2], row.names = FALSE)
cat(sprintf("%.3f\n", took / length(unique(all$cohort))))
