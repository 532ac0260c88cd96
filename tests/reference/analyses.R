# Cox analyses in the words of a study file: scales, splines, strata, clusters, weights, on 228 patients of `lung`.
# Rscript tests/reference/analyses.R   (writes analyses.json beside itself)
library(survival)
library(Hmisc)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
d <- lung
d$died <- d$status == 2
d$w <- 0.5 + (seq_len(nrow(d)) %% 7) / 4 # made up, by rule
d$meal <- ifelse(is.na(d$meal.cal), 500, d$meal.cal)

cox <- function(fit) {
  p <- tryCatch(cox.zph(fit)$table, error = function(e) NULL)
  list(n = fit$n, coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))),
       ph = unname(p[rownames(p) != "GLOBAL", "p"]))
}
wald <- function(fit, k) {
  b <- coef(fit)[k]
  unname(pchisq(drop(b %*% solve(vcov(fit)[k, k], b)), length(k), lower.tail = FALSE))
}
# A spline: hazard ratio between the quartiles (three digits), tests of the whole and of the curve.
curve <- function(x, n_knots = NULL, knots = NULL, more = NULL, f = identity, weights = NULL) {
  ok <- !is.na(x)
  if (is.null(knots)) knots <- attr(rcspline.eval(f(x[ok]), nk = n_knots), "knots")
  basis <- function(v) rcspline.eval(v, knots = knots, inclx = TRUE)
  X <- matrix(NA, length(x), length(knots) - 1)
  X[ok, ] <- basis(f(x[ok]))
  data <- d
  data$X <- X
  formula <- reformulate(c("X", more), "Surv(time, died)")
  fit <- do.call(coxph, list(formula, data, weights = weights, robust = !is.null(weights)))
  k <- seq_len(ncol(X))
  ends <- signif(quantile(x[ok], c(0.25, 0.75)), 3)
  step <- diff(basis(f(ends)))
  list(knots = knots, ends = unname(ends), coef = drop(step %*% coef(fit)[k]), n = fit$n,
       std_error = sqrt(drop(step %*% vcov(fit)[k, k] %*% t(step))), all = wald(fit, k), curved = wald(fit, k[-1]),
       lr = unname(summary(fit)$logtest["pvalue"]))
}
zero <- transform(d, time = ifelse(seq_along(time) %% 20 == 1, 0, time)) # R keeps rows that end on day 0
at_zero <- survfit(Surv(time, died) ~ 1, zero)
write(toJSON(list(
  day_zero = c(cox(coxph(Surv(time, died) ~ age + sex, zero)), logrank = survdiff(Surv(time, died) ~ sex, zero)$chisq,
    list(survival = summary(at_zero, times = c(0, 180, 365))$surv, deaths = sum(zero$died[zero$time == 0]))),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")), Hmisc = as.character(packageVersion("Hmisc"))),
  per = cox(coxph(Surv(time, died) ~ I(age / 10) + sex, d)),
  log2 = cox(coxph(Surv(time, died) ~ log2(meal) + age, d)),
  log10 = cox(coxph(Surv(time, died) ~ log10(meal) + I(sqrt(age) / 2) + log(ph.karno), d)),
  strata = cox(coxph(Surv(time, died) ~ age + strata(sex) + strata(ph.ecog), d)),
  cluster = cox(coxph(Surv(time, died) ~ age + sex + cluster(inst), subset(d, !is.na(inst)))),
  weights = cox(coxph(Surv(time, died) ~ age + sex, d, weights = w, robust = TRUE)),
  both = cox(coxph(Surv(time, died) ~ age + sex + cluster(inst), subset(d, !is.na(inst)), weights = w)),
  spline = curve(d$age, 4, more = "sex"),
  spline_log = curve(d$meal.cal, 3, f = log),
  spline_at = curve(d$wt.loss, knots = c(0, 5, 15, 30), more = "strata(sex)"),
  spline_robust = curve(d$age, 3, more = "sex", weights = d$w)
), digits = NA, auto_unbox = TRUE), file.path(here, "analyses.json"))
