# External validation of a breast cancer model: developed in Rotterdam, validated in the German Breast
# Cancer Study Group, 5-year risk of relapse or death, as in McLernon DJ, et al. Ann Intern Med.
# 2023;176:105-114. doi:10.7326/M22-0844. Both cohorts come with the R package survival.
# Rscript calibration_breast_cancer.R   writes calibration_breast_cancer.json

suppressMessages({
  library(survival)
  library(rms)
  library(riskRegression)
  library(jsonlite)
})

relapse_free <- with(rotterdam, {
  late_death <- recur == 0 & death == 1 & rtime < dtime
  data.frame(
    time = ifelse(late_death, dtime, rtime) / 365.25, event = pmax(recur, death),
    size20 = size == "20-50", size50 = size == ">50", nodes = nodes, grade3 = grade == 3
  )
})
german <- with(gbsg, data.frame(
  time = rfstime / 365.25, event = status, size20 = size > 20 & size <= 50, size50 = size > 50,
  nodes = nodes, grade3 = grade == 3
))
top <- quantile(relapse_free$nodes, .99, type = 1)
prepare <- function(d) {
  d$nodes <- pmin(d$nodes, top)
  d$bend <- c(rcspline.eval(d$nodes, knots = c(0, 1, 9)))
  d
}
cut_at <- function(d, t) {
  d$event <- ifelse(d$time > t, 0, d$event)
  d$time <- pmin(d$time, t)
  d
}
model <- coxph(
  Surv(time, event) ~ size20 + size50 + nodes + bend + grade3, cut_at(prepare(relapse_free), 5),
  x = TRUE
)
whole <- prepare(german)
# Rounded, so that the file holds the very same predictions.
whole$risk <- round(c(predictRisk(model, newdata = whole, times = 5)), 6)
cut5 <- cut_at(whole, 5)
cut5$cll <- log(-log(1 - cut5$risk))

pair <- function(fit) list(value = unname(fit$concordance), std_error = sqrt(c(fit$var)))
harrell <- concordance(Surv(time, event) ~ risk, cut5, reverse = TRUE)
uno <- concordance(Surv(time, event) ~ risk, cut5, reverse = TRUE, timewt = "n/G2")

score <- function(data, horizon) {
  s <- suppressWarnings(Score(
    list(model = data$risk), Surv(time, event) ~ 1, data = data, times = horizon,
    metrics = c("auc", "brier"), summary = "ipa", null.model = TRUE, se.fit = TRUE
  ))
  b <- as.data.frame(s$Brier$score)
  b <- b[b$model == "model", ]
  a <- as.data.frame(s$AUC$score)
  list(
    auc = list(value = a$AUC, std_error = a$se, lower = a$lower, upper = a$upper),
    brier = list(value = b$Brier, std_error = b$se, lower = b$lower, upper = b$upper),
    ipa = list(value = b$IPA)
  )
}

km <- summary(survfit(Surv(time, event) ~ 1, cut5), times = 5)
slope <- coxph(Surv(time, event) ~ cll, cut5)

calibration <- function(n_knots) {
  knots <- rcspline.eval(cut5$cll, nk = n_knots, knots.only = TRUE)
  basis <- rcspline.eval(cut5$cll, knots = knots, inclx = TRUE)
  fit <- coxph(Surv(time, event) ~ basis, cut5)
  s <- summary(
    survfit(fit, newdata = list(basis = basis), conf.type = "log-log"), times = 5
  )
  error <- abs(c(s$surv) - 1 + cut5$risk)
  shown <- order(cut5$risk)[c(1, 100, 300, 500, 686)]
  list(
    n_knots = n_knots, knots = knots,
    ici = mean(error), e50 = unname(quantile(error, .5)), e90 = unname(quantile(error, .9)),
    emax = max(error), predicted = cut5$risk[shown], observed = 1 - c(s$surv)[shown],
    lower = 1 - c(s$upper)[shown], upper = 1 - c(s$lower)[shown]
  )
}

observed <- 1 - km$surv
in_the_large <- uniroot(
  function(a) mean(1 - (1 - cut5$risk)^exp(a)) - observed, c(-2, 2), tol = 1e-14
)$root

thresholds <- c(seq(0, 0.9, by = 0.05), 0.23)
benefit <- sapply(thresholds, function(p) {
  above <- cut5[cut5$risk >= p, ]
  if (nrow(above) == 0) return(0)
  f <- 1 - summary(survfit(Surv(time, event) ~ 1, above), times = 5, extend = TRUE)$surv
  if (max(above$time) < 5 && f < 1) return(NA)
  nrow(above) / nrow(cut5) * (f - (1 - f) * p / (1 - p))
})

D <- royston(coxph(Surv(time, event) ~ cll, cut5), ties = TRUE)

write_json(list(
  command = "Rscript calibration_breast_cancer.R",
  r = R.version.string,
  packages = as.list(sapply(
    c("survival", "rms", "Hmisc", "riskRegression"), function(p) as.character(packageVersion(p))
  )),
  days = gbsg$rfstime, status = gbsg$status, risk = whole$risk,
  harrell = pair(harrell), uno = pair(uno),
  cut_at_5 = score(cut5, 4.99), whole_at_5 = score(whole, 5),
  observed_expected_ratio = list(
    value = observed / mean(cut5$risk), log_std_error = km$std.err / observed
  ),
  in_the_large = in_the_large,
  slope = list(value = unname(coef(slope)), std_error = sqrt(c(vcov(slope)))),
  calibration = lapply(3:5, calibration),
  net_benefit = list(
    threshold = thresholds, model = benefit,
    treat_all = observed - (1 - observed) * thresholds / (1 - thresholds)
  ),
  royston = list(d = D[["D"]], std_error = D[["se(D)"]], r2 = D[["R.D"]])
), "calibration_breast_cancer.json", digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE)
