# Measures of predicted risks under competing risks: on 40 made-up cohorts with ties, on ebmt1 (1,977 patients after
# transplantation) and on mgus2 (1,384 patients with monoclonal gammopathy).
# Rscript tests/reference/competing_measures.R FOLDER  (ebmt1.csv there, as written by tests/zoo/zoo.py;
# writes competing_measures.json beside itself)
suppressPackageStartupMessages({library(cmprsk); library(riskRegression); library(survival); library(prodlim); library(rms); library(jsonlite)})
set.seed(2013)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
cloglog <- function(p) log(-log(1 - pmin(pmax(p, 1e-10), 1 - 1e-10)))
incidence <- function(data, horizon, cause) {
  fit <- summary(survfit(Surv(time, factor(cause, 0:2)) ~ 1, data = data), times = horizon, extend = TRUE)
  c(fit$pstate[1, cause + 1], fit$std.err[1, cause + 1])
}

# Recalibration by a Fine-Gray model, follow-up cut at the horizon; Newton steps past where crr stops.
recalibrated <- function(data, X, horizon, cause) {
  beyond <- data$time > horizon
  time <- pmin(data$time, horizon); status <- ifelse(beyond, 0, data$cause)
  fit <- crr(time, status, X, failcode = cause)
  for (i in 1:3) {
    step <- c(fit$invinf %*% fit$score)
    fit <- suppressWarnings(crr(time, status, X, failcode = cause, init = unname(fit$coef) + step, maxiter = 0, gtol = 1e-15))
  }
  fit
}

# All pairs of a case i and a patient j known to fare better: followed longer, or failed from another cause no later.
concordance_by_hand <- function(data, risk, horizon, cause) {
  ends <- sort(unique(data$time[data$cause == 0]))
  stay <- sapply(ends, function(u) 1 - sum(data$time == u & data$cause == 0) / sum(data$time > u | (data$time == u & data$cause == 0)))
  before <- sapply(data$time, function(t) prod(stay[ends < t]))
  above <- below <- 0
  for (i in which(data$cause == cause & data$time <= horizon)) {
    w <- ifelse(data$time > data$time[i] | (data$time == data$time[i] & data$cause == 0), 1 / before[i]^2,
                ifelse(data$cause > 0 & data$cause != cause, 1 / (before[i] * before), 0))
    below <- below + sum(w)
    above <- above + sum(w * ((risk[i] > risk) + 0.5 * (risk[i] == risk)))
  }
  above / below
}

# Score of this version takes failures from 2 for those from other causes, whatever cause is asked, in the error of the AUC;
# so the cause asked is called 1.
measured <- function(data, risk, times, cause) {
  named <- data.frame(time = data$time, cause = ifelse(data$cause == 0, 0, ifelse(data$cause == cause, 1, 2)))
  found <- Score(list(model = risk), formula = Hist(time, cause) ~ 1, data = named, times = times, cause = 1,
                 metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, null.model = TRUE, conf.int = TRUE)
  auc <- found$AUC$score; brier <- found$Brier$score; null <- brier[brier$model == "Null model", ]; brier <- brier[brier$model == "model", ]
  at <- lapply(seq_along(times), function(k) {
    r <- risk[, k]; t <- times[k]
    observed <- incidence(data, t, cause)
    knots <- attr(rcs(cloglog(r), 3), "parms")
    basis <- rcspline.eval(cloglog(r), knots = knots, inclx = TRUE)
    slope <- recalibrated(data, matrix(cloglog(r)), t, cause)
    smooth <- recalibrated(data, basis, t, cause)
    curve <- sapply(seq_along(r), function(i) 1 - exp(-sum(smooth$bfitj) * exp(sum(basis[i, ] * smooth$coef))))
    error <- abs(curve - r)
    thresholds <- unname(quantile(r, c(0.3, 0.5, 0.7)))
    benefit <- sapply(thresholds, function(p) {
      above <- r >= p; f <- incidence(data[above, ], t, cause)[1]
      mean(above) * (f - (1 - f) * p / (1 - p))
    })
    list(observed = observed[1], observed_error = observed[2], slope = unname(slope$coef), slope_error = sqrt(slope$var[1, 1]),
         ici = mean(error), e50 = unname(quantile(error, 0.5)), e90 = unname(quantile(error, 0.9)), emax = max(error),
         curve = curve[1:5], thresholds = thresholds, benefit = benefit, concordance = concordance_by_hand(data, r, t, cause))
  })
  list(times = times, auc = auc$AUC, auc_error = auc$se, brier = brier$Brier, brier_error = brier$se, brier_null = null$Brier, ipa = brier$IPA, at = at)
}

one <- function(i) {
  n <- c(70, 110, 160)[i %% 3 + 1]
  grid <- c(1, 0.25, 1e-6, 0.01)[i %% 4 + 1]
  x <- round(rnorm(n), 1)
  rate <- cbind(exp(0.7 * x) / 12, exp(-0.4 * x) / 10, 1 / c(15, 40)[i %% 2 + 1])
  latent <- matrix(rexp(3 * n, rate), n)
  data <- data.frame(time = pmax(grid, round(apply(latent, 1, min) / grid) * grid), cause = c(1, 2, 0)[apply(latent, 1, which.min)])
  # Half of the cohorts have tied risks.
  risk <- sapply(c(3, 6), function(t) plogis(-1.5 + 0.6 * x + 0.15 * t + if (i %% 2) 0 else rnorm(n) * 0.2))
  c(list(data = as.list(data), risk = risk), measured(data, risk, c(3, 6), 1))
}

ebmt <- read.csv(file.path(commandArgs(TRUE)[1], "ebmt1.csv"))
real <- data.frame(time = pmin(ebmt$rel, ebmt$srv), cause = ifelse(ebmt$relstat == 1, 1, ifelse(ebmt$srvstat == 1, 2, 0)),
                   age = ebmt$age, medium = as.integer(ebmt$score == "Medium risk"), high = as.integer(ebmt$score == "High risk"))
fit <- CSC(Hist(time, cause) ~ age + medium + high, data = real)
of_ebmt <- lapply(1:2, function(k) {
  risk <- predict(fit, newdata = real, times = c(365.25, 1826.25), cause = k)$absRisk
  c(list(risk = risk), measured(real, risk, c(365.25, 1826.25), k))
})

mgus <- survival::mgus2
mgus$time <- ifelse(mgus$pstat == 1, mgus$ptime, mgus$futime); mgus$cause <- ifelse(mgus$pstat == 1, 1, 2 * mgus$death)
mgus <- mgus[complete.cases(mgus[, c("age", "hgb", "mspike")]) & mgus$time > 0, c("time", "cause", "age", "hgb", "mspike")]
fit <- CSC(Hist(time, cause) ~ age + hgb + mspike, data = mgus)
risk <- predict(fit, newdata = mgus, times = c(60, 120), cause = 1)$absRisk
of_mgus <- c(list(data = as.list(mgus[, c("time", "cause")]), risk = risk), measured(mgus, risk, c(60, 120), 1))

made <- list(
  versions = list(R = R.version.string, cmprsk = as.character(packageVersion("cmprsk")), survival = as.character(packageVersion("survival")),
                  riskRegression = as.character(packageVersion("riskRegression")), rms = as.character(packageVersion("rms"))),
  cases = lapply(1:40, one), ebmt1 = of_ebmt, mgus2 = of_mgus
)
write_json(made, file.path(here, "competing_measures.json"), digits = NA, auto_unbox = TRUE, null = "null", matrix = "rowmajor")
