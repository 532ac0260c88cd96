# Rscript make_patients.R > patients.csv     (R 4.2.2, survival 3.5-3)
# One row per patient of data set jasa. As in jasa1, the patient who died on the day of acceptance has half a
# day of follow-up, and the one who died on the day of transplantation is transplanted half a day earlier.
library(survival)
days <- pmax(jasa$futime, 0.5)
wait <- ifelse(jasa$transplant == 1, pmin(jasa$wait.time, days - 0.5), NA)
write.csv(data.frame(
  patient = seq_along(days), age48 = round(jasa$age - 48, 6),
  year = round(as.numeric(jasa$accept.dt - as.Date("1967-10-01")) / 365.25, 6), surgery = jasa$surgery,
  transplanted = jasa$transplant, wait_days = wait, days = days, died = jasa$fustat
), row.names = FALSE, na = "", quote = FALSE)
