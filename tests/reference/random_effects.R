# Random-effects summaries by metafor: REML, Hartung-Knapp with q at least 1; prediction interval of Riley et al. (t, k - 2).
# Rscript tests/reference/random_effects.R > tests/reference/random_effects.json
suppressMessages(library(metafor)); library(jsonlite)
cases <- list(
  c_index = list(y = c(.71, .66, .74, .69, .62, .70), s = c(.021, .035, .018, .040, .030, .055)),
  log_oe = list(y = c(.10, -.25, .32, .05), s = c(.12, .20, .09, .15)),
  alike = list(y = c(.70, .701, .699, .7005, .6995), s = c(.03, .05, .04, .03, .06)),
  two = list(y = c(.6, .8), s = c(.03, .04)),
  uneven = list(y = c(.9, 1.4, .4, 1.1, 1.05, .7, 1.9, .95), s = c(.05, .5, .3, .08, .11, .25, .6, .02)))
one <- function(case) {
  fit <- rma(case$y, sei = case$s, method = "REML", test = "adhoc",
             control = list(threshold = 1e-14, maxiter = 10000))
  wide <- if (fit$k > 2) qt(.975, fit$k - 2) * sqrt(fit$tau2 + fit$se^2) else NA
  c(case, list(value = as.numeric(fit$b), lower = fit$ci.lb, upper = fit$ci.ub, tau2 = fit$tau2,
               prediction_lower = as.numeric(fit$b) - wide, prediction_upper = as.numeric(fit$b) + wide))
}
out <- lapply(cases, one)
out$versions <- list(R = R.version.string, metafor = as.character(packageVersion("metafor")))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE), "\n")
