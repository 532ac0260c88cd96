# The part of imputation_coverage.py that R plays: mice on every cohort, pooled, timed.
# Rscript tests/benchmarks/imputation_coverage.R cohorts.csv answers.csv
suppressPackageStartupMessages({library(mice); library(survival)})
paths <- commandArgs(trailingOnly = TRUE)
all <- read.csv(paths[1])
all$grade <- factor(all$grade, levels = 0:3, ordered = TRUE)
all$type <- factor(all$type, levels = 0:2)
all$marker <- factor(all$marker, levels = 0:1)
m <- 20

answer <- function(cohort) {
  data <- all[all$cohort == cohort, names(all) != "cohort"]
  data$hazard <- nelsonaalen(data, time, event)
  predictors <- make.predictorMatrix(data)
  predictors[, "time"] <- 0
  how <- make.method(data)
  how[c("age", "wbc", "grade", "type", "marker")] <- c("pmm", "pmm", "polr", "polyreg", "logreg")
  made <- mice(data, m = m, maxit = 10, method = how, predictorMatrix = predictors,
               printFlag = FALSE, seed = cohort)
  formula <- Surv(time, event) ~ age + wbc + factor(grade, ordered = FALSE) + type + marker
  fits <- lapply(1:m, function(k) coxph(formula, data = complete(made, k)))
  k <- length(coef(fits[[1]]))
  pooled <- t(sapply(1:k, function(j) {
    q <- sapply(fits, function(f) coef(f)[j])
    u <- sapply(fits, function(f) vcov(f)[j, j])
    s <- pool.scalar(q, u, n = sum(data$event) - k + 1, k = 1)
    c(s$qbar, sqrt(s$t), s$df, s$fmi)
  }))
  data.frame(cohort = cohort, term = seq_len(k) - 1, coef = pooled[, 1], se = pooled[, 2],
             df = pooled[, 3], fmi = pooled[, 4])
}

took <- system.time(answers <- suppressWarnings(lapply(unique(all$cohort), answer)))[["elapsed"]]
write.csv(do.call(rbind, answers), paths[2], row.names = FALSE)
cat(sprintf("%.3f\n", took / length(unique(all$cohort))))
