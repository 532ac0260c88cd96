# Knots as Hmisc::rcspline.eval places them (rms::rcs calls it): small samples, many ties at an end.
# Rscript tests/reference/knots.R tests/reference/knots.json
suppressMessages({library(Hmisc); library(jsonlite)})
set.seed(5)
normal <- function(n) round(rnorm(n, 50, 12), 1)
samples <- list(
  large = normal(230), hundred = normal(100), ninety = normal(90), small = normal(31), few = normal(12),
  zeros_20 = c(rep(0, 20), round(seq(1, 95, length.out = 68), 1)),
  zeros_40 = c(rep(0, 40), round(seq(1, 95, length.out = 60), 1)),
  zeros_60 = c(rep(0, 90), round(seq(1, 95, length.out = 60), 1)),
  full = c(round(seq(1, 80, length.out = 50), 1), rep(100, 20)),
  both = c(rep(0, 25), round(seq(1, 80, length.out = 120), 1), rep(100, 30)),
  whole = rep(c(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), c(3, 9, 14, 20, 22, 18, 14, 9, 5, 2)))
cases <- list()
for (name in names(samples)) for (nk in 3:5) {
  knots <- tryCatch(suppressWarnings(unname(rcspline.eval(samples[[name]], nk = nk, knots.only = TRUE))),
                    error = function(e) NULL)
  cases[[length(cases) + 1]] <- list(sample = name, n_knots = nk, knots = knots)
}
at <- c(-5, 0, 12.5, 40, 48.7, 77, 120)
basis <- lapply(3:5, function(nk) {
  knots <- rcspline.eval(samples$zeros_20, nk = nk, knots.only = TRUE)
  list(knots = knots, basis = unname(matrix(rcspline.eval(at, knots = knots, inclx = TRUE), nrow = length(at))))
})
write_json(list(at = at, basis = basis, R = R.version.string, Hmisc = as.character(packageVersion("Hmisc")), samples = samples, cases = cases),
           commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE)
