# Survival of the embedded cohort as R's survival package computes it.
# Run from the repository's root: Rscript tests/reference/reconstruction.R
suppressMessages({library(survival); library(jsonlite)})

file <- "src/allsurv/cohort/data/rr-all.csv"
d <- read.csv(file, comment.char = "#", na.strings = "")
yes <- function(x) !is.na(x) & x == "yes"
d$dead <- d$alive == "no"
d$responder <- d$response %in% c("CR", "CRp", "CRi")
d$relapse_or_death <- yes(d$relapse) | d$dead
d$high <- ifelse(d$karyotype %in% c("kmt2a", "ho_tr", "complex"), TRUE,
                 ifelse(d$karyotype == "im_nd", NA, FALSE))
responded_at <- d$time_to_response_days / 30.4375
event_free <- responded_at <= 4 & responded_at + d$rfs_months > 4
received <- (d$arm == "after" & d$blina_received == "yes") |
  (d$arm == "before" & d$blina_received == "no")
lm2 <- d$os_months > 2 & d$salvage == 1 & received
lm4 <- d$os_months > 4 & yes(d$lm4_cohort)

curve <- function(keep, time = d$os_months, event = d$dead) {
  keep <- which(keep)
  fit <- survfit(Surv(time[keep], event[keep]) ~ 1, conf.type = "log-log")
  at <- summary(fit, times = 36)
  list(survival = at$surv, lower = at$lower, upper = at$upper,
       median = unname(summary(fit)$table["median"]))
}
p_value <- function(keep, group, time = d$os_months, event = d$dead) {
  keep <- which(keep & !is.na(group))
  survdiff(Surv(time[keep], event[keep]) ~ group[keep])$chisq |>
    pchisq(df = 1, lower.tail = FALSE)
}
all <- rep(TRUE, nrow(d))
curves <- list(
  all = curve(all), before = curve(d$arm == "before"), after = curve(d$arm == "after"),
  salvage_1 = curve(d$salvage == 1), salvage_2 = curve(d$salvage > 1),
  mrd_negative = curve(yes(d$mrd_best_neg)), mrd_positive = curve(d$mrd_best_neg == "no"),
  sct = curve(lm4 & d$sct == "yes"), no_sct = curve(lm4 & d$sct == "no"), landmark = curve(lm4),
  blinatumomab = curve(lm2 & d$arm == "after"), no_blinatumomab = curve(lm2 & d$arm == "before"),
  tp53_wild_type = curve(d$tp53_mut == "no"), tp53_mutated = curve(yes(d$tp53_mut)),
  cyto_low = curve(!d$high), cyto_high = curve(d$high),
  rfs = curve(d$responder, d$rfs_months, d$relapse_or_death),
  rfs_sct = curve(lm4 & event_free & d$sct == "yes", d$rfs_months, d$relapse_or_death),
  rfs_no_sct = curve(lm4 & event_free & d$sct == "no", d$rfs_months, d$relapse_or_death)
)
tests <- list(
  arm = p_value(all, d$arm), salvage = p_value(all, d$salvage > 1),
  mrd = p_value(all, d$mrd_best_neg), sct = p_value(lm4, d$sct), blinatumomab = p_value(lm2, d$arm),
  tp53 = p_value(all, d$tp53_mut), cyto = p_value(all, d$high),
  rfs_sct = p_value(lm4 & event_free, d$sct, d$rfs_months, d$relapse_or_death)
)
d$tp53 <- yes(d$tp53_mut)
d$high_risk <- d$karyotype %in% c("kmt2a", "ho_tr")
long <- tmerge(d, d, id = patient_no, died = event(os_months, dead))
long <- tmerge(long, d, id = patient_no, grafted = tdc(time_to_sct_months))
model <- coxph(Surv(tstart, tstop, died) ~ pb_blasts + high_risk + tp53 + arm_after + grafted,
               data = transform(long, arm_after = arm == "after"), ties = "efron")
fit <- summary(model)
terms <- list(names = rownames(fit$coefficients), hazard_ratio = unname(fit$conf.int[, 1]),
              lower = unname(fit$conf.int[, 3]), upper = unname(fit$conf.int[, 4]),
              p_value = unname(fit$coefficients[, 5]))
ranks <- sapply(c("age", "wbc", "pb_blasts", "bm_blasts", "cd22", "cd19"), function(name)
  suppressWarnings(wilcox.test(d[[name]] ~ d$arm)$p.value))
out <- list(R = R.version.string, survival = as.character(packageVersion("survival")),
            sha256 = sub(".*below: ", "", readLines(file, n = 2)[2]),
            curves = curves, tests = tests, model = terms, ranks = as.list(ranks))
write_json(out, "tests/reference/reconstruction.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
