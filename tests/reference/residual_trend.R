# Smooth trends through scaled Schoenfeld residuals, as survival::plot.cox.zph draws them,
# evaluated at the ranks of the event times:
# Rscript tests/reference/residual_trend.R tests/reference/residual_trend.json
suppressMessages({library(survival); library(splines); library(jsonlite)})

trend <- function(fit, df) {
  z <- cox.zph(fit, transform = "rank", terms = FALSE)
  x <- rank(z$time)
  basis <- ns(x, df = df, intercept = TRUE)
  decomposed <- qr(basis)
  inverse <- backsolve(decomposed$qr[1:df, 1:df], diag(df))
  leverage <- drop(((basis %*% (inverse %*% t(inverse))) * basis) %*% rep(1, df))
  lapply(seq_len(ncol(z$y)), function(i) {
    y <- unname(z$y[, i])
    estimate <- drop(basis %*% qr.coef(decomposed, y))
    half <- qnorm(0.975) * sqrt(z$var[i, i] * leverage)
    list(x = x, residual = y, variance = z$var[i, i], df = df,
         estimate = estimate, lower = estimate - half, upper = estimate + half)
  })
}

ties <- coxph(Surv(time, status) ~ trt + karno + age, data = veteran)
few <- coxph(Surv(time, status) ~ age + sex, data = lung[1:60, ])
entry <- coxph(Surv(start, stop, event) ~ age + transplant, data = heart)
cases <- c(trend(ties, 4), trend(few, 4), trend(few, 3), trend(entry, 5))

write_json(list(R = R.version.string, survival = as.character(packageVersion("survival")), cases = cases),
           commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE)
