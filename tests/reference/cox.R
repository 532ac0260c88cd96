# Values that vouch for allsurv.stats.cox.fit: Rscript tests/reference/cox.R tests/reference/cox.json
#
# Random designs with ties, case weights, strata, entry and clusters; under "refused", tiny ones on
# which coxph warns of an infinite coefficient, or gives NA.
suppressMessages({library(survival); library(jsonlite)})
set.seed(20230316)

draw <- function(k) {
  n <- sample(14:40, 1)
  p <- sample(1:3, 1)
  x <- cbind(rbinom(n, 1, .5), round(rnorm(n), 2), round(runif(n, 40, 80)))[, seq_len(p), drop = FALSE]
  time <- ceiling(rexp(n) * sample(c(3, 8, 60), 1)) + 1
  design <- list(time = time, event = rbinom(n, 1, .7), x = x)
  if (k %% 2 == 0) design$start <- floor(time * runif(n, 0, .8))
  if (k %% 3 == 0) design$weights <- round(runif(n, .2, 3), 2)
  if (k %% 5 == 0) design$strata <- sample(1:2, n, TRUE)
  if (k %% 7 == 0) design$offset <- round(rnorm(n) / 2, 2)
  if (k %% 4 == 0) design$cluster <- sample(1:ceiling(n / 2), n, TRUE)
  design$ties <- if (k %% 9 < 5) "efron" else "breslow"
  design
}

fit <- function(d) {
  data <- as.data.frame(d$x)
  terms <- names(data) <- paste0("x", seq_len(ncol(d$x)))
  for (name in c("time", "event", "start", "weights", "strata", "cluster", "offset"))
    data[[name]] <- d[[name]]
  if (is.null(d$weights)) data$weights <- 1
  if (!is.null(d$offset)) terms <- c(terms, "offset(offset)")
  if (!is.null(d$strata)) terms <- c(terms, "strata(strata)")
  left <- if (is.null(d$start)) "Surv(time, event)" else "Surv(start, time, event)"
  call <- list(quote(coxph), reformulate(terms, left), data = data, weights = quote(weights),
               ties = d$ties, x = TRUE, model = TRUE)
  # without that word, weights that are not whole numbers make coxph robust
  call$robust <- !is.null(d$cluster)
  if (!is.null(d$cluster)) call$cluster <- quote(cluster)
  eval(as.call(call))
}
`%||%` <- function(a, b) if (is.null(a)) b else a

summarise <- function(f) {
  robust <- !is.null(f$naive.var)
  list(coef = unname(coef(f)), var = if (robust) f$naive.var else f$var,
       robust_var = if (robust) f$var, loglik = f$loglik, iter = f$iter,
       score = f$score, wald = unname(f$wald.test), n = f$n, nevent = f$nevent)
}

details <- function(f, d) {
  kinds <- c("martingale", "deviance", "schoenfeld", "scaledsch", "score", "dfbeta")
  out <- lapply(setNames(kinds, kinds), function(k) unname(as.matrix(residuals(f, type = k))))
  out$zph <- lapply(setNames(nm = c("km", "rank", "identity", "log")), function(tr) {
    z <- tryCatch(cox.zph(f, tr, terms = FALSE), error = function(e) NULL)
    if (!is.null(z)) unname(z$table)
  })
  new <- rbind(d$x[1, ], d$x[2, ] + .25)
  nd <- setNames(as.data.frame(new), paste0("x", seq_len(ncol(new))))
  nd$offset <- 0
  if (!is.null(d$strata)) nd$strata <- 1:2  # one curve per patient and stratum
  sf <- survfit(f, newdata = nd, conf.type = "log-log")
  base <- basehaz(f, centered = FALSE)
  out$survfit <- list(new = new, time = sf$time, surv = unname(sf$surv), lower = unname(sf$lower),
                      upper = unname(sf$upper), std_err = unname(sf$std.err),
                      strata = if (!is.null(sf$strata)) unname(rep(seq_along(sf$strata), sf$strata)),
                      n_risk = sf$n.risk, n_event = sf$n.event)
  out$basehaz <- base$hazard
  # with an offset, predict subtracts its mean in some models
  if (is.null(d$offset)) out$lp <- unname(predict(f, nd, type = "lp", reference = "zero"))
  out
}

attempt <- function(d) {
  warned <- FALSE
  f <- withCallingHandlers(tryCatch(fit(d), error = function(e) NULL), warning = function(w) {
    warned <<- TRUE; invokeRestart("muffleWarning")
  })
  list(fit = f, sound = !is.null(f) && !warned && !anyNA(coef(f)))
}

designs <- list(); k <- 0
while (length(designs) < 240) {
  k <- k + 1
  d <- draw(k)
  if (sum(d$event) < ncol(d$x)) next
  tried <- attempt(d)
  if (!tried$sound) next
  case <- list(data = d, fit = summarise(tried$fit))
  if (length(designs) < 60) case$details <- details(tried$fit, d)
  designs[[length(designs) + 1]] <- case
}

refused <- list()
while (length(refused) < 30) {
  n <- sample(6:9, 1)
  d <- list(time = sample(1:6, n, TRUE), event = rbinom(n, 1, .7),
            x = cbind(rbinom(n, 1, .5), round(rnorm(n), 2)), ties = "efron")
  if (sum(d$event) < 2) next
  tried <- attempt(d)
  if (!is.null(tried$fit) && !tried$sound)
    refused[[length(refused) + 1]] <- c(d, list(collinear = anyNA(coef(tried$fit))))
}

# A covariate path: Stanford heart transplant, transplanted on day 30 or never.
f <- coxph(Surv(start, stop, event) ~ age + year + surgery + I(transplant == "1"), heart)
path <- data.frame(start = c(0, 30), stop = c(30, 400), event = c(0, 0), age = 5, year = 2,
                   surgery = 0, transplant = factor(c("0", "1")), id = c(1, 1))
curve <- survfit(f, newdata = path, id = id)
still <- transform(path, transplant = factor(c("0", "0"), levels = c("0", "1")))
flat <- survfit(f, newdata = still, id = id, conf.type = "log-log")
paths <- list(changing = list(time = curve$time, surv = curve$surv),
              constant = list(time = flat$time, surv = flat$surv, lower = flat$lower,
                              upper = flat$upper, std_err = flat$std.err))

# Ridge, unscaled: the penalty is theta / 2 times the sum of squares.
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14)
g <- coxph(Surv(time, status) ~ ridge(karno, age, trt, theta = 30, scale = FALSE), veteran,
           control = tight)
ridge <- list(coef = unname(coef(g)), var = g$var, loglik = g$loglik)

# Factors in cox.zph, and robust errors, on real data.
v <- coxph(Surv(time, status) ~ trt + celltype + karno, veteran)
factors <- unname(cox.zph(v)$table)

out <- list(R = R.version.string, survival = as.character(packageVersion("survival")),
            designs = designs, refused = refused, paths = paths, ridge = ridge,
            veteran_zph = factors, veteran_rows = as.list(veteran),
            heart = as.list(transform(heart, transplant = as.integer(transplant) - 1)))
write_json(out, commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE, null = "null", na = "null")
