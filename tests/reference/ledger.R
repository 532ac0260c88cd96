# Published kinds of numbers, of 48 made-up patients of the study rr-all and 20 of another cohort.
# Rscript tests/reference/ledger.R  (writes ledger.json beside itself)
library(jsonlite)
suppressPackageStartupMessages(library(survival))
set.seed(44)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

n <- 48
arm <- rep(c("before", "after"), c(28, 20))
age <- sample(18:79, n, replace = TRUE)
sex <- sample(c("male", "female"), n, replace = TRUE)
pb <- sample(c(0, 1, 2, 5, 10, 30, 60, 90), n, replace = TRUE)
karyotype <- sample(c("diploid", "other", "complex", "kmt2a", "ho_tr", "im_nd"), n, replace = TRUE)
tp53 <- sample(c(TRUE, FALSE, NA), n, replace = TRUE)
salvage <- sample(1:3, n, replace = TRUE, prob = c(0.6, 0.2, 0.2))
high <- karyotype %in% c("kmt2a", "ho_tr")
mutated <- !is.na(tp53) & tp53
death <- rexp(n, 0.05 * exp(0.01 * pb + 0.6 * high + 0.5 * mutated - 0.4 * (arm == "after")))
end <- runif(n, 9, 60)
os <- round(pmax(pmin(death, end), 0.3), 1)
alive <- death > end
responder <- os > 2 & runif(n) < 0.85
ttr <- ifelse(responder, pmin(sample(15:130, n, replace = TRUE), floor(os * 30.4375 * 0.6)), NA)
room <- os - ttr / 30.4375
relapse <- ifelse(responder, runif(n) < 0.4, NA)
rfs <- round(ifelse(responder, ifelse(relapse, room * runif(n, 0.2, 0.8), room), NA), 2)
rfs <- pmax(rfs, 0.05)
sct <- responder & os > 5 & runif(n) < 0.5
tsct <- round(ifelse(sct, pmax(ttr / 30.4375, 2) + runif(n, 0.1, 1.5), NA), 1)
lm4 <- responder & os > 4
patients <- data.frame(patient_no = seq_len(n), arm, age, sex, pb_blasts = pb, karyotype, tp53_mut = tp53,
                       salvage, response = ifelse(responder, "CR", "NR"), time_to_response_days = ttr,
                       os_months = os, alive, rfs_months = rfs, relapse, sct,
                       time_to_sct_months = tsct, lm4_cohort = lm4)
other <- data.frame(os_months = round(rexp(20, 0.12) + 0.2, 1), alive = rep(c(FALSE, FALSE, FALSE, TRUE), 5))

curve <- function(data, time, event, at) {
  fit <- survfit(Surv(data[[time]], data[[event]]) ~ 1, conf.type = "log-log")
  read <- summary(fit, times = at)
  list(rate = 100 * read$surv, low = 100 * read$lower, high = 100 * read$upper,
       median = unname(summary(fit)$table["median"]))
}
logrank <- function(data, time, event, by) {
  survdiff(Surv(data[[time]], data[[event]]) ~ by)$pvalue
}

p <- patients
p$dead <- !p$alive
p$failed <- p$dead | (!is.na(p$relapse) & p$relapse)
landmark <- p[p$lm4_cohort & p$os_months > 4, ]
origin <- p$time_to_response_days / 30.4375
free <- p[p$lm4_cohort & p$os_months > 4 & origin <= 4 & origin + p$rfs_months > 4, ]
responders <- p[p$response == "CR", ]
study <- rbind(data.frame(os = p$os_months, dead = p$dead, of = 0),
               data.frame(os = other$os_months, dead = !other$alive, of = 1))

long <- tmerge(p[, c("patient_no", "arm", "pb_blasts")], p, id = patient_no, death = event(os_months, dead),
               sct = tdc(time_to_sct_months))
long$high <- high[long$patient_no]
long$mutated <- mutated[long$patient_no]
long$arm <- factor(long$arm, c("before", "after"))
cox <- coxph(Surv(tstart, tstop, death) ~ pb_blasts + high + mutated + arm + sct, data = long)
terms <- cbind(exp(coef(cox)), exp(confint(cox)), summary(cox)$coefficients[, "Pr(>|z|)"])

sexes <- table(p$arm, p$sex)
values <- list(
  os = curve(p, "os_months", "dead", 12),
  os_after = curve(p[p$arm == "after", ], "os_months", "dead", 12),
  rfs = curve(responders, "rfs_months", "failed", 6),
  landmark_sct = curve(landmark[landmark$sct, ], "os_months", "dead", 12),
  landmark_rfs_no_sct = curve(free[!free$sct, ], "rfs_months", "failed", 6),
  other = curve(transform(other, dead = !alive), "os_months", "dead", 6),
  n_landmark = nrow(landmark), n_free = nrow(free),
  logrank_arm = logrank(p, "os_months", "dead", p$arm),
  logrank_salvage = logrank(p, "os_months", "dead", p$salvage > 1),
  logrank_landmark = logrank(landmark, "os_months", "dead", landmark$sct),
  logrank_rfs = logrank(free, "rfs_months", "failed", free$sct),
  logrank_other = logrank(study, "os", "dead", study$of),
  chi2 = chisq.test(sexes, correct = FALSE)$p.value,
  chi2_corrected = chisq.test(sexes)$p.value,
  fisher = fisher.test(sexes)$p.value,
  mann_whitney = wilcox.test(age ~ arm, data = p, exact = FALSE)$p.value,
  cox = unname(terms[1:4, ])
)
versions <- list(R = R.version.string,
                 survival = as.character(packageVersion("survival")))
write(toJSON(list(versions = versions, patients = patients, other = other, values = values),
             digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns"),
      file.path(here, "ledger.json"))
