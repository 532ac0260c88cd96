# Exact limits of rates, Wilson's limits, and Newcombe's limits of their differences.
# Rscript proportions.R   writes proportions.json

library(jsonlite)

counts <- expand.grid(n = c(0, 1, 2, 5, 17, 40), of = c(1, 2, 7, 40, 110))
counts <- counts[counts$n <= counts$of, ]
levels <- c(0.9, 0.95, 0.99)
rates <- do.call(rbind, lapply(levels, function(level) {
  do.call(rbind, lapply(seq_len(nrow(counts)), function(k) {
    exact <- binom.test(counts$n[k], counts$of[k], conf.level = level)$conf.int
    wilson <- suppressWarnings(
      prop.test(counts$n[k], counts$of[k], conf.level = level, correct = FALSE)
    )$conf.int
    data.frame(
      n = counts$n[k], of = counts$of[k], level = level, exact_lower = exact[1],
      exact_upper = exact[2], wilson_lower = wilson[1], wilson_upper = wilson[2]
    )
  }))
}))
# Newcombe RG. Stat Med. 1998;17:873-890, table II, method 10.
newcombe <- data.frame(
  n1 = c(56, 9, 6, 5, 0, 0, 10, 10), of1 = c(70, 10, 7, 56, 10, 10, 10, 10),
  n2 = c(48, 3, 2, 0, 0, 0, 0, 0), of2 = c(80, 10, 7, 29, 20, 10, 20, 10),
  lower = c(.0524, .1705, .0582, -.0381, -.1611, -.2775, .6791, .6075),
  upper = c(.3339, .8090, .8062, .1926, .2775, .2775, 1, 1)
)
write_json(
  list(made_with = paste("R", getRversion()), rates = rates, newcombe = newcombe),
  "proportions.json", digits = NA, dataframe = "columns", auto_unbox = TRUE
)
