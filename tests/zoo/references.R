# Kaplan-Meier, log-rank, Cox and cumulative incidence of every cohort of the zoo, by R alone.
#   python tests/zoo/zoo.py zoo-csv && Rscript tests/zoo/references.R zoo-csv   (writes references.json beside itself)
# Complete cases in Cox models. Times in the unit of the data: no number here depends on it.
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
folder <- commandArgs(trailingOnly = TRUE)[1]
patients <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = FALSE)
in_order <- function(x, levels) factor(x, levels)

curve <- function(time, event) {
  s <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
  k <- unique(round(seq(1, length(s$time), length.out = 40)))
  list(at = k, n_times = length(s$time), n_risk = s$n.risk[k], survival = s$surv[k], lower = s$lower[k], upper = s$upper[k])
}

cox <- function(fit) {
  list(n = fit$n, n_events = fit$nevent, coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))))
}

causes <- function(time, cause) {
  s <- survfit(Surv(time, factor(cause, 0:max(cause))) ~ 1)
  k <- unique(round(seq(1, length(s$time), length.out = 40)))
  list(at = k, incidence = t(s$pstate[k, -1, drop = FALSE]), std_error = t(s$std.err[k, -1, drop = FALSE]))
}

# Follow-up cut where events after baseline happen; `...` names each event and its time, NA for never.
cut_at <- function(data, time, event, ...) {
  data$.row <- seq_len(nrow(data))
  data$.end <- data[[time]]
  data$.ended <- data[[event]]
  long <- tmerge(data, data, id = .row, .fail = event(.end, .ended))
  happened <- list(...)
  for (name in names(happened)) {
    data$.when <- happened[[name]]
    long <- tmerge(long, data, id = .row, .now = tdc(.when))
    names(long)[names(long) == ".now"] <- name
  }
  long
}

one <- function(name, data, time, event, by, formula, cause = NULL, events = NULL) {
  outcome <- Surv(data[[time]], data[[event]])
  test <- survdiff(outcome ~ data[[by]])
  data$.outcome <- outcome
  list(
    n = nrow(data), n_events = sum(data[[event]]),
    kaplan_meier = curve(data[[time]], data[[event]]),
    logrank = list(chi_squared = test$chisq, df = length(test$n) - 1),
    cox = cox(coxph(update(formula, .outcome ~ .), data)),
    causes = if (!is.null(cause)) causes(data[[cause[1]]], data[[cause[2]]]),
    events = if (!is.null(events)) cox(events)
  )
}

zoo <- list()

d <- patients("lung")
d$died <- d$status == 2
d$kg <- d$wt.loss * 0.45359237
zoo$lung <- one("lung", d, "time", "died", "sex", ~ age + factor(sex) + ph.karno + kg)

d <- patients("veteran")
d$celltype <- in_order(d$celltype, c("squamous", "smallcell", "adeno", "large"))
zoo$veteran <- one("veteran", d, "time", "status", "celltype",
  ~ factor(trt) + celltype + karno + diagtime + age + factor(prior))

d <- patients("mgus2")
d$cause <- ifelse(d$pstat == 1, 1, 2 * d$death)
zoo$mgus2 <- one("mgus2", d, "futime", "death", "sex", ~ age + sex + hgb + mspike, cause = c("ptime", "cause"))

d <- patients("myeloid")
long <- cut_at(d, "futime", "death", cr = d$crtime, transplant = d$txtime, relapse = d$rltime)
zoo$myeloid <- one("myeloid", d, "futime", "death", "trt", ~ trt + sex + flt3,
  events = coxph(Surv(tstart, tstop, .fail) ~ trt + sex + flt3 + cr + transplant + relapse, long))

d <- patients("rotterdam")
d$size <- in_order(d$size, c("<=20", "20-50", ">50"))
zoo$rotterdam <- one("rotterdam", d, "dtime", "death", "size",
  ~ age + size + factor(grade) + I(nodes > 3) + I(er < 10) + chemo)

d <- patients("gbsg")
zoo$gbsg <- one("gbsg", d, "rfstime", "status", "hormon", ~ age + meno + size + factor(grade) + pgr + hormon)

d <- patients("nwtco")
d$years <- d$age / 12
zoo$nwtco <- one("nwtco", d, "edrel", "rel", "histol", ~ years + factor(histol) + factor(stage) + factor(study))

d <- patients("colon")
d$rx <- in_order(d$rx, c("Obs", "Lev", "Lev+5FU"))
zoo$colon <- one("colon", d, "time", "status", "rx", ~ rx + sex + age + nodes + factor(differ) + surg)

d <- patients("cgd")
d$treat <- in_order(d$treat, c("placebo", "rIFN-g"))
d$inherit <- in_order(d$inherit, c("X-linked", "autosomal"))
zoo$cgd <- one("cgd", d, "tstop", "status", "treat", ~ treat + age + inherit + propylac)

d <- patients("bmt")
d$tp[d$tp == 0] <- 0.5
d$cause <- ifelse(d$d2 == 1, 1, 2 * d$d3)
long <- cut_at(d, "t2", "d3", agvhd = ifelse(d$da == 1, d$ta, NA), platelets = ifelse(d$dp == 1, d$tp, NA))
zoo$bmt <- one("bmt", d, "t2", "d3", "group", ~ factor(group) + z1 + z2 + z8 + z10, cause = c("t2", "cause"),
  events = coxph(Surv(tstart, tstop, .fail) ~ factor(group) + z8 + agvhd + platelets, long))

d <- patients("larynx")
zoo$larynx <- one("larynx", d, "time", "delta", "stage", ~ factor(stage) + age)

d <- patients("hodg")
zoo$hodg <- one("hodg", d, "time", "delta", "gtype", ~ factor(gtype) + factor(dtype) + score + wtime)

d <- patients("kidtran")
zoo$kidtran <- one("kidtran", d, "time", "delta", "race", ~ age + factor(gender) * factor(race))

d <- patients("burn")
long <- cut_at(d, "T3", "D3", excision = ifelse(d$D1 == 1, d$T1, NA), antibiotics = ifelse(d$D2 == 1, d$T2, NA))
zoo$burn <- one("burn", d, "T3", "D3", "Z1", ~ Z1 + Z2 + Z3 + Z4,
  events = coxph(Surv(tstart, tstop, .fail) ~ Z1 + Z3 + excision + antibiotics, long))

d <- patients("channing")
d$time[d$time == 0] <- 0.5
d$years <- d$ageentry / 12
zoo$channing <- one("channing", d, "time", "death", "gender", ~ years + factor(gender))

d <- patients("std")
d$race <- in_order(d$race, c("W", "B"))
d$marital <- in_order(d$marital, c("S", "M", "D"))
zoo$std <- one("std", d, "time", "rinfct", "iinfct",
  ~ race + marital + age + yschool + factor(iinfct) + npartner + factor(condom) + vagina)

d <- patients("ebmt1")
d$score <- in_order(d$score, c("Low risk", "Medium risk", "High risk"))
d$first <- pmin(d$srv, d$rel)
d$failed <- pmax(d$srvstat, d$relstat)
d$cause <- ifelse(d$relstat == 1, 1, 2 * d$srvstat)
long <- cut_at(d, "srv", "srvstat", relapse = ifelse(d$relstat == 1, d$rel, NA))
zoo$ebmt1 <- one("ebmt1", d, "first", "failed", "score", ~ age + score, cause = c("first", "cause"),
  events = coxph(Surv(tstart, tstop, .fail) ~ age + score + relapse, long))

d <- patients("ebmt2")
d$died <- as.integer(d$status > 0)
d$dissub <- in_order(d$dissub, c("AML", "ALL", "CML"))
d$match <- in_order(d$match, c("No gender mismatch", "Gender mismatch"))
d$tcd <- in_order(d$tcd, c("No TCD", "TCD")) # unknown is missing
d$age <- in_order(d$age, c("<=20", "20-40", ">40"))
zoo$ebmt2 <- one("ebmt2", d, "time", "died", "dissub", ~ dissub + match + tcd + year + age, cause = c("time", "status"))

d <- patients("alloauto")
zoo$alloauto <- one("alloauto", d, "time", "delta", "type", ~ factor(type))

write_json(
  list(made_by = list(R = R.version.string, survival = as.character(packageVersion("survival"))), cohorts = zoo[order(names(zoo))]),
  file.path(here, "references.json"), digits = NA, auto_unbox = TRUE, null = "null", na = "null", pretty = 1
)
