# Firth's penalised Cox likelihood maximised by brute force: Rscript tests/reference/firth.R tests/reference/firth.json
#
# log-likelihood + log(det(information)) / 2, written out event by event and checked against coxph, is
# maximised by optim, then by Newton's method on numerical derivatives. Profile limits and likelihood
# ratio statistics repeat that with one coefficient held.
suppressMessages({library(survival); library(jsonlite); library(numDeriv)})
set.seed(1993)

# log-likelihood + log(det(information)) / 2, event by event from its definition
penalised <- function(d) {
  n <- length(d$time); p <- ncol(d$x); x <- d$x
  entry <- if (is.null(d$start)) rep(-1, n) else d$start
  w <- if (is.null(d$weights)) rep(1, n) else d$weights
  s <- if (is.null(d$strata)) rep(1, n) else d$strata
  sets <- list()
  for (g in unique(s)) for (t in sort(unique(d$time[d$event == 1 & s == g]))) {
    risk <- which(s == g & entry < t & d$time >= t)
    dead <- risk[d$time[risk] == t & d$event[risk] == 1]
    keep <- if (d$ties == "efron") 1 - outer(risk %in% dead, seq_along(dead) - 1) / length(dead)
            else matrix(1, length(risk), length(dead))
    sets[[length(sets) + 1]] <- list(risk = risk, dead = dead, keep = keep, share = sum(w[dead]) / length(dead))
  }
  function(beta) {
    eta <- drop(x %*% beta)
    r <- w * exp(eta)
    value <- 0; information <- matrix(0, p, p)
    for (set in sets) {
      value <- value + sum(w[set$dead] * eta[set$dead])
      xs <- x[set$risk, , drop = FALSE]
      for (k in seq_len(ncol(set$keep))) {
        q <- r[set$risk] * set$keep[, k]
        m <- drop(q %*% xs) / sum(q)
        value <- value - set$share * log(sum(q))
        information <- information + set$share * (crossprod(xs, q * xs) / sum(q) - tcrossprod(m))
      }
    }
    value + determinant(information)$modulus[1] / 2
  }
}

maximise <- function(value, beta) {
  if (!length(beta)) return(list(beta = beta, value = value(beta)))
  beta <- optim(beta, function(b) -value(b), method = "BFGS", control = list(reltol = 1e-14))$par
  for (i in 1:4) beta <- beta - solve(hessian(value, beta), grad(value, beta))
  list(beta = as.vector(beta), value = value(beta))
}

held <- function(value, k, p) function(b) maximise(function(o) {
  beta <- numeric(p); beta[k] <- b; beta[-k] <- o; value(beta)
}, numeric(p - 1))$value

solve_firth <- function(d, limits) {
  value <- penalised(d)
  p <- ncol(d$x)
  best <- maximise(value, numeric(p))
  out <- list(data = d, coef = best$beta, loglik = c(value(numeric(p)), best$value))
  if (!limits) return(out)
  for (k in seq_len(p)) {
    profile <- held(value, k, p)
    off <- function(b) best$value - profile(b) - qchisq(.95, 1) / 2
    root <- function(side) {
      reach <- 1
      while (off(best$beta[k] + side * reach) < 0) reach <- reach * 1.6
      uniroot(off, sort(best$beta[k] + side * c(0, reach)), tol = 1e-9)$root
    }
    out$lower[k] <- root(-1)
    out$upper[k] <- root(1)
    out$statistic[k] <- 2 * (best$value - profile(0))
  }
  out
}

draw <- function(k) {
  n <- sample(12:30, 1)
  p <- sample(1:3, 1)
  x <- cbind(rbinom(n, 1, .4), round(rnorm(n), 2), round(runif(n, 4, 8), 1))[, seq_len(p), drop = FALSE]
  time <- ceiling(rexp(n) * 10) + 1
  event <- rbinom(n, 1, .6)
  if (k %% 2) event[x[, 1] == 1] <- 0
  d <- list(time = time, event = event, x = x, ties = if (k %% 4 < 2) "breslow" else "efron")
  if (k %% 3 == 0) d$start <- floor(time * runif(n, 0, .7))
  if (k %% 5 == 0) d$strata <- sample(1:2, n, TRUE)
  if (k %% 7 == 0) d$weights <- round(runif(n, .5, 2), 2)
  d
}

agrees_with_coxph <- function(d, beta) {
  surv <- if (is.null(d$start)) Surv(d$time, d$event) else Surv(d$start, d$time, d$event)
  s <- if (is.null(d$strata)) rep(1, length(d$time)) else d$strata
  w <- if (is.null(d$weights)) rep(1, length(d$time)) else d$weights
  x <- d$x
  f <- suppressWarnings(coxph(surv ~ x + strata(s), weights = w, robust = FALSE, ties = d$ties,
                              init = beta, control = coxph.control(iter.max = 0)))
  isTRUE(all.equal(penalised(d)(beta), f$loglik[1] - determinant(f$var)$modulus[1] / 2, tolerance = 1e-9))
}

cases <- list(); k <- 0
while (length(cases) < 40) {
  k <- k + 1
  d <- draw(k)
  if (sum(d$event) < 4) next
  stopifnot(agrees_with_coxph(d, rep(.1, ncol(d$x))))
  case <- tryCatch(solve_firth(d, limits = length(cases) < 12), error = function(e) NULL)
  if (!is.null(case) && all(is.finite(case$coef)) && max(abs(grad(penalised(d), case$coef))) < 1e-6)
    cases[[length(cases) + 1]] <- case
}
write_json(list(R = R.version.string, survival = as.character(packageVersion("survival")),
                numDeriv = as.character(packageVersion("numDeriv")), cases = cases),
           commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE, null = "null", na = "null")
