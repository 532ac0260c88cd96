# Prediction measures whose censoring weights depend on covariates: two eras followed for different
# times, the later one with fewer events, no two times alike.
# Rscript covariate_censoring.R   writes covariate_censoring.json

suppressMessages({
  library(survival)
  library(riskRegression)
  library(jsonlite)
})

set.seed(20)
n <- 160
era <- rbinom(n, 1, 0.6)
z <- round(rnorm(n), 4)
lp <- -0.8 * era + 0.7 * z
death <- 32 * (rexp(n) * exp(-lp))^(1 / 0.8)
end <- ifelse(era == 1, runif(n, 6, 60), runif(n, 30, 110)) * exp(-0.2 * z)
d <- data.frame(
  time = round(pmin(death, end), 6), event = as.integer(death <= end), era = era, z = z,
  risk = round(1 - exp(-exp(lp) * (36 / 32)^0.8), 6)
)
d$other <- round(plogis(d$z + 0.3 * sin(5 * d$z)), 6)
stopifnot(!anyDuplicated(d$time))

scored <- function(horizon) {
  s <- suppressWarnings(Score(
    list(risk = d$risk, other = d$other), Surv(time, event) ~ era + z, data = d, times = horizon,
    metrics = c("auc", "brier"), cens.model = "cox", null.model = FALSE, se.fit = TRUE,
    conservative = FALSE
  ))
  take <- function(table, column) {
    lapply(split(table, as.character(table$model)), function(row) {
      list(value = row[[column]], std_error = row$se)
    })
  }
  difference <- function(table, column) {
    list(value = table[[column]], std_error = table$se)
  }
  list(
    horizon = horizon,
    auc = take(as.data.frame(s$AUC$score), "AUC"),
    brier = take(as.data.frame(s$Brier$score), "Brier"),
    auc_difference = difference(as.data.frame(s$AUC$contrasts), "delta.AUC"),
    brier_difference = difference(as.data.frame(s$Brier$contrasts), "delta.Brier")
  )
}
censored <- coxph(Surv(time, 1 - event) ~ era + z, d, control = coxph.control(eps = 1e-12, toler.chol = 1e-14))
out <- list(
  made_with = paste("R", getRversion(), "riskRegression", packageVersion("riskRegression")),
  patients = d,
  coef = unname(coef(censored)),
  scores = lapply(c(12, 36), scored)
)
write_json(out, "covariate_censoring.json", digits = NA, auto_unbox = TRUE, dataframe = "columns")
