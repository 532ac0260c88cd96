# Bootstrap validation of Cox models by rms::validate, with the very samples that it draws.
# Rscript tests/reference/validate.R  (writes validate.json beside itself)
#
# rms stops Newton's method at a relative change of 1e-4, which moves Dxy and the slope in the fifth
# decimal. "as_rms" is validate() as it is; "at_1e-9" is the same function with the tolerance of
# survival::coxph put in. A loop written out with coxph and concordance over the samples that stand in the
# JSON gives both, to 1e-10.
suppressMessages({library(jsonlite); library(rms)})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
n_samples <- 40
loose <- coxph.control(eps = 1e-4, iter.max = 10, toler.inf = 1)
tight <- coxph.control()

patients <- function(time, event, x) {
  colnames(x) <- paste0("x", seq_len(ncol(x)))
  data.frame(time = time, event = event, x)
}

# 110 patients, 8 covariates of which 3 matter, times in months to one decimal: tied, also with censoring.
simulated <- function() {
  n <- 110
  x <- cbind(round(rnorm(n, 50, 15)), rbinom(n, 1, .4), round(rnorm(n), 2), rbinom(n, 1, .2),
             round(runif(n, 0, 100)), round(rnorm(n), 2), rbinom(n, 2, .3), round(rexp(n), 2))
  hazard <- exp(0.02 * (x[, 1] - 50) + 0.5 * x[, 2] + 0.4 * x[, 3]) / 20
  death <- rexp(n, hazard)
  end <- runif(n, 5, 60)
  patients(pmax(round(pmin(death, end), 1), 0.1), as.integer(death <= end), x)
}

set.seed(20230316)
cohorts <- list(
  veteran = patients(veteran$time, veteran$status, with(veteran, cbind(
    trt == 2, celltype == "smallcell", celltype == "adeno", celltype == "large", karno, diagtime, age,
    prior == 10))),
  simulated = simulated()
)

# the tolerance of rms is written into the body of this function
validate_tightly <- function(...) {
  lines <- deparse(rms:::validate.cph)
  stopifnot(sum(grepl("eps = 1e-04", lines)) == 3)
  lines <- gsub("eps = 1e-04", "eps = tight$eps", gsub("iter.max = 10", "iter.max = 20", lines))
  tightened <- eval(parse(text = lines), list(tight = tight), asNamespace("rms"))
  # the second fit keeps toler.chol = 1e-9, of which coxph.control warns; the pivot is far above it
  withCallingHandlers(tightened(...), warning = function(w) {
    if (grepl("tolerance should be < eps", conditionMessage(w))) invokeRestart("muffleWarning")
  })
}

by_loop <- function(data, samples, ties, control) {
  x <- as.matrix(data[, -(1:2)])
  fit <- function(x, rows) {
    outcome <- Surv(data$time[rows], data$event[rows])
    unname(coef(coxph(outcome ~ x[rows, ], ties = ties, control = control)))
  }
  dxy <- function(score, rows) {
    outcome <- Surv(data$time[rows], data$event[rows])
    2 * concordance(outcome ~ score[rows], reverse = TRUE)$concordance - 1
  }
  all_rows <- seq_len(nrow(data))
  one <- function(rows) {
    score <- drop(x %*% fit(x, rows))
    c(dxy(score, rows), dxy(score, all_rows), fit(as.matrix(score), all_rows))
  }
  each <- apply(samples, 2, one)
  means <- rowMeans(each)
  original <- dxy(drop(x %*% fit(x, all_rows)), all_rows)
  list(each = each, Dxy = c(original, means[1], means[2], means[1] - means[2]),
       Slope = c(1, 1, means[3], 1 - means[3]))
}

columns <- c("index.orig", "training", "test", "optimism", "index.corrected")

case <- function(name, ties, seed) {
  data <- cohorts[[name]]
  set.seed(seed)
  samples <- replicate(n_samples, sample(nrow(data), replace = TRUE))
  check <- function(found, control) {
    stopifnot(found[, "n"] == n_samples)
    loop <- by_loop(data, samples, ties, control)
    for (measure in c("Dxy", "Slope"))
      stopifnot(abs(unclass(found)[measure, 1:4] - loop[[measure]]) < 1e-10)
    rows <- apply(unclass(found)[c("Dxy", "Slope"), columns], 1, as.list)
    c(rows, list(each = list(training_Dxy = loop$each[1, ], test_Dxy = loop$each[2, ],
                             test_Slope = loop$each[3, ])))
  }
  formula <- reformulate(names(data)[-(1:2)], "Surv(time, event)")
  rough <- do.call(cph, list(formula, data, method = ties, x = TRUE, y = TRUE))
  fine <- do.call(cph, list(formula, data, method = ties, x = TRUE, y = TRUE, eps = tight$eps,
                            iter.max = 20, tol = tight$toler.chol))
  set.seed(seed)
  as_rms <- validate(rough, B = n_samples)
  set.seed(seed)
  at_1e_9 <- validate_tightly(fine, B = n_samples, tol = tight$toler.chol)
  list(cohort = name, ties = ties, seed = seed, rows = t(samples),
       as_rms = check(as_rms, loose),
       `at_1e-9` = check(at_1e_9, tight))
}

made <- list(
  versions = c(list(R = R.version.string), lapply(
    c(rms = "rms", Hmisc = "Hmisc", survival = "survival"),
    function(package) as.character(packageVersion(package)))),
  cohorts = lapply(cohorts, function(data)
    list(time = data$time, event = data$event, x = unname(as.matrix(data[, -(1:2)])))),
  cases = list(case("veteran", "efron", 1), case("veteran", "breslow", 2),
               case("simulated", "efron", 3), case("simulated", "breslow", 4))
)
write_json(made, file.path(here, "validate.json"), digits = I(17), auto_unbox = TRUE)
