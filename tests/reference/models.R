# Cox models of 2,279 EBMT patients: coefficients, ridge, predicted survival, Kaplan-Meier.
# Rscript tests/reference/models.R ../shared/reference/ebmt4_all.csv  (writes models.json beside itself)
library(survival)
library(jsonlite)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
data$agecl <- factor(data$agecl, c("<=20", "20-40", ">40"))
data$match <- factor(data$match, c("no gender mismatch", "gender mismatch"))
horizons <- c(365.25, 730.5, 1826.25)
patients <- data.frame(
  year = c("1985-1989", "1995-1998", "1990-1994"), agecl = c("<=20", ">40", "20-40"),
  proph = c("no", "yes", "no"), match = c("no gender mismatch", "gender mismatch", "gender mismatch")
)
model <- function(ties) {
  fit <- coxph(Surv(srv, srv.s) ~ year + agecl + proph + match, data, ties = ties)
  curves <- summary(survfit(fit, newdata = patients), times = horizons)
  list(coef = unname(coef(fit)), survival = t(curves$surv))
}
terms <- model.matrix(~ year + agecl + proph + match, data)[, -1]
colnames(terms) <- paste0("x", 1:6)
data <- cbind(data, terms)
ridge <- coxph(Surv(srv, srv.s) ~ ridge(x1, x2, x3, x4, x5, x6, theta = 50, scale = FALSE), data,
               ties = "efron", control = coxph.control(eps = 1e-11, iter.max = 50))
km <- summary(survfit(Surv(srv, srv.s) ~ 1, data), times = horizons)$surv
write_json(
  list(
    versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
    patients = patients, horizons = horizons, efron = model("efron"), breslow = model("breslow"),
    ridge_50 = unname(coef(ridge)), kaplan_meier = km
  ),
  file.path(here, "models.json"), digits = NA, auto_unbox = TRUE, dataframe = "columns"
)
