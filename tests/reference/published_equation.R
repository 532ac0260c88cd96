# What patients add to a published equation, and the equation's survival: Stanford heart candidates (jasa, as in
# experiments/003-stanford-heart/patients.csv), effects of surgery, year and age of Kalbfleisch and Prentice's model 6.
# Rscript tests/reference/published_equation.R   writes tests/reference/published_equation.json

suppressMessages({
  library(survival)
  library(jsonlite)
})

d <- read.csv("experiments/003-stanford-heart/patients.csv")
d$lp <- log(0.537) * d$surgery + log(0.873) * d$year + log(1.0154) * d$age48
slope <- coxph(Surv(days, died) ~ lp, d)
revised <- coxph(Surv(days, died) ~ age48 + year + surgery + offset(lp), d)
null <- coxph(Surv(days, died) ~ offset(lp), d)
# Breslow's baseline given the equation: survival of a patient whose covariates are all 0.
fixed <- coxph(Surv(days, died) ~ lp, d, init = 1, iter.max = 0, ties = "breslow")
base <- basehaz(fixed, centered = FALSE)
at <- c(91, 182, 364)
hazard <- sapply(at, function(t) max(base$hazard[base$time <= t]))
model_6 <- coxph(
  Surv(start, stop, event) ~ age * transplant + surgery + year, jasa1, ties = "breslow"
)
row <- function(fit) {
  s <- summary(fit)$coefficients
  list(coef = unname(s[, 1]), std_error = unname(s[, 3]))
}
write_json(
  list(
    R = R.version.string, survival = as.character(packageVersion("survival")),
    slope = row(slope), revised = row(revised),
    revised_lr = 2 * (revised$loglik[2] - null$loglik[1]), times = at, hazard = hazard,
    mean_survival = sapply(hazard, function(h) mean(exp(-h * exp(d$lp)))),
    concordance = unname(concordance(Surv(days, died) ~ lp, d, reverse = TRUE)$concordance),
    model_6 = row(model_6)
  ),
  "tests/reference/published_equation.json",
  digits = 15, auto_unbox = TRUE, pretty = TRUE
)
