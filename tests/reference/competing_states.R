# State probabilities, time in states, transition-specific Cox models, weighted incidences, time lost:
# on myeloid (646 patients with acute myeloid leukaemia) and on 30 made-up cohorts.
# Rscript tests/reference/competing_states.R FOLDER  (myeloid.csv there, as written by
# tests/zoo/zoo.py; writes competing_states.json beside itself)
suppressPackageStartupMessages({library(survival); library(jsonlite)})
set.seed(2007)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 100)
states <- c("well", "ill", "worse", "dead")

# survmean2 leaves the weights out of its errors; the squared influences of patients with them:
mean_errors <- function(fit, horizon, w) {
  times <- c(min(0, fit$time[1]), fit$time)
  if (!is.null(fit$start.time)) times[1] <- fit$start.time
  lengths <- diff(c(times[times < horizon], horizon))
  spent <- apply(fit$influence.pstate[, seq_along(lengths), , drop = FALSE], c(1, 3), function(x) sum(x * lengths))
  sqrt(colSums((w * spent)^2))
}

# Probabilities with the errors of the infinitesimal jackknife, the initial shares included, and means.
of_survfit <- function(fit, times, horizon, w = 1) {
  read <- summary(fit, times = times, extend = TRUE)
  mean <- summary(fit, rmean = horizon)$table
  list(states = fit$states, times = times, horizon = horizon, initial = unname(c(fit$p0)), probability = unname(read$pstate),
       std_error = unname(read$std.err), lower = unname(read$lower), upper = unname(read$upper),
       mean = unname(mean[, "rmean"]), mean_std_error = if (length(w) > 1) mean_errors(fit, horizon, w) else unname(mean[, "se(rmean)"]))
}

history <- function(id, grid, mixed) {
  now <- if (mixed && runif(1) < 0.3) 2 else 1
  time <- if (mixed) round(runif(1, 0, 2) * rbinom(1, 1, 0.5) / grid) * grid else 0
  end <- time + max(grid, round(rexp(1, 1 / 12) / grid) * grid)
  rows <- NULL
  repeat {
    rates <- list(c(0, .12, .05, .04), c(.06, 0, .1, .05), c(0, .05, 0, .15))[[now]]
    stay <- max(grid, round(rexp(1, sum(rates)) / grid) * grid)
    to <- sample(4, 1, prob = rates)
    if (time + stay > end) { if (time < end) rows <- rbind(rows, c(id, time, end, now, 0)); break }
    rows <- rbind(rows, c(id, time, time + stay, now, to))
    time <- time + stay; now <- to
    if (now == 4 || time >= end) break
  }
  rows
}

one <- function(i) {
  grid <- c(1, 0.25, 1e-6)[i %% 3 + 1]
  mixed <- i %% 2 == 0
  n <- c(25, 60, 120)[i %% 3 + 1]
  rows <- as.data.frame(do.call(rbind, lapply(1:n, history, grid = grid, mixed = mixed)))
  names(rows) <- c("id", "start", "stop", "from", "to")
  rows$w <- round(runif(n, 0.4, 2), 2)[rows$id]
  rows$event <- factor(rows$to, 0:4, c("none", states)); rows$now <- factor(states[rows$from], states)
  times <- quantile(rows$stop, c(0.15, 0.4, 0.7), type = 1, names = FALSE); horizon <- times[3]
  fit <- survfit(Surv(start, stop, event) ~ 1, data = rows, id = id, istate = now, influence = TRUE)
  begun <- rows[rows$start <= times[1] & rows$stop > times[1] & rows$from == 1, "id"]
  later <- rows[rows$id %in% begun & rows$stop > times[1], ]
  later$start <- pmax(later$start, times[1])
  out <- list(data = as.list(rows[, c("id", "start", "stop", "from", "to", "w")]), all = of_survfit(fit, times, horizon))
  if (!mixed) out$weighted <- of_survfit(survfit(Surv(start, stop, event) ~ 1, data = rows, id = id, istate = now, weights = w, influence = TRUE), times, horizon, rows$w[!duplicated(rows$id)])
  if (any(later$to > 0)) {
    landmark <- survfit(Surv(start, stop, event) ~ 1, data = later, id = id, istate = now, influence = TRUE, start.time = times[1])
    out$landmark <- of_survfit(landmark, times[2:3], horizon)
  }
  out
}

# Two causes: weights, groups, delayed entry.
caused <- function(i) {
  n <- c(30, 80, 200)[i %% 3 + 1]
  grid <- c(1, 0.25, 1e-6)[i %% 3 + 1]
  data <- data.frame(id = 1:n, time = pmax(grid, round(rexp(n, 1 / 8) / grid) * grid), cause = sample(0:2, n, TRUE, c(.3, .4, .3)),
                     group = sample(c("a", "b"), n, TRUE), w = round(runif(n, 0.3, 2), 2))
  data$start <- pmin(data$time - grid, round(runif(n, 0, 3) / grid) * grid) * rbinom(n, 1, 0.5)
  data$event <- factor(data$cause, 0:2)
  times <- c(3, 6)
  read <- function(fit, w = 1) {
    got <- summary(fit, times = times, extend = TRUE); mean <- summary(fit, rmean = times[2])$table
    list(incidence = unname(got$pstate[, -1]), std_error = unname(got$std.err[, -1]), lost = unname(mean[-1, "rmean"]), lost_std_error = if (length(w) > 1) mean_errors(fit, times[2], w)[-1] else unname(mean[-1, "se(rmean)"]))
  }
  fit <- function(rows, weighted = FALSE) {
    if (!weighted) rows$w <- 1
    survfit(Surv(start, time, event) ~ 1, data = rows, id = id, weights = w, influence = TRUE)
  }
  plain <- transform(data, start = 0)
  list(data = as.list(data[, c("time", "cause", "group", "w", "start")]), times = times,
       all = read(fit(plain)), weighted = read(fit(plain, TRUE), data$w), entry = read(fit(data)), entry_weighted = read(fit(data, TRUE), data$w),
       groups = lapply(c("a", "b"), function(g) read(fit(plain[data$group == g, ]))))
}

aml <- read.csv(file.path(commandArgs(TRUE)[1], "myeloid.csv"))
rows <- tmerge(aml[, c("id", "trt", "flt3")], aml, id = id, death = event(futime, death), sct = event(txtime), cr = event(crtime), relapse = event(rltime))
rows$to <- with(rows, ifelse(death == 1, 4, ifelse(relapse == 1, 3, ifelse(sct == 1, 2, ifelse(cr == 1, 1, 0)))))
rows$event <- factor(rows$to, 0:4, c("none", "response", "transplant", "relapse", "death"))
arm <- function(which) of_survfit(survfit(Surv(tstart, tstop, event) ~ 1, data = rows[rows$trt == which, ], id = id, influence = TRUE), c(182.625, 365.25, 730.5), 730.5)
rows$b <- as.integer(rows$trt == "B"); rows$flt <- as.integer(factor(rows$flt3))
separate <- coxph(Surv(tstart, tstop, event) ~ b + flt, data = rows, id = id, robust = FALSE, control = strict)
clustered <- coxph(Surv(tstart, tstop, event) ~ b + flt, data = rows, id = id, robust = TRUE, control = strict)
moves <- data.frame(from = c(1, 3, 1, 2, 4, 1, 2, 3, 1, 2, 3, 4), to = c(2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5))
# One effect of the arm on all transitions: the rows written out, a stratum for each.
long <- do.call(rbind, lapply(seq_len(nrow(moves)), function(k) {
  start_state <- c("(s0)", "response", "transplant", "relapse", "death")
  now <- survcheck(Surv(tstart, tstop, event) ~ 1, data = rows, id = id)$istate
  part <- rows[as.character(now) == start_state[moves$from[k]], ]
  transform(part, move = k, happened = as.integer(part$to + 1 == moves$to[k]))
}))
common <- coxph(Surv(tstart, tstop, happened) ~ b + flt:factor(move) + strata(move), data = long, cluster = id, control = strict)
names(common$coefficients) <- NULL

made <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  cases = lapply(1:30, one), causes = lapply(1:30, caused),
  myeloid = list(
    a = arm("A"), b = arm("B"),
    transitions = moves, names = names(coef(separate)),
    coef = unname(coef(separate)), std_error = unname(sqrt(diag(vcov(separate)))), robust = unname(sqrt(diag(vcov(clustered)))), loglik = separate$loglik,
    common = list(coef = unname(coef(common)), naive = sqrt(diag(common$naive.var)), robust = sqrt(diag(common$var)))
  )
)
write_json(made, file.path(here, "competing_states.json"), digits = NA, auto_unbox = TRUE, null = "null", na = "null", matrix = "rowmajor")
