# Tests between groups on 120 small samples, and standardised mean differences.
# Rscript tests/reference/twosample.R  (writes twosample.json beside itself)
library(jsonlite)
set.seed(44)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

ranks <- function(i) {
  n <- sample(c(6:30, 120), 1)
  k <- sample(2:4, 1)
  group <- sample(rep_len(letters[1:k], n))
  value <- if (i %% 2) round(rnorm(n), 6) else sample(0:6, n, TRUE)
  out <- list(values = value, groups = group, kruskal = unname(unlist(
    kruskal.test(value, factor(group))[c("statistic", "parameter", "p.value")])))
  if (k == 2) {
    test <- suppressWarnings(wilcox.test(value[group == "a"], value[group == "b"]))
    out$wilcoxon <- c(unname(test$statistic), test$p.value)
    first <- value[group == "a"]
    second <- value[group == "b"]
    d <- (mean(second) - mean(first)) / sqrt((var(first) + var(second)) / 2)
    out$difference <- c(d, sqrt(1 / length(first) + 1 / length(second) + d^2 / (2 * n)))
  }
  out
}

tables <- function(i) {
  shape <- list(c(2, 2), c(2, 3), c(3, 3), c(2, 5), c(4, 2))[[i %% 5 + 1]]
  n <- sample(c(20, 50, 110), 1)
  repeat {
    cells <- matrix(rmultinom(1, n, rgamma(prod(shape), 2)), shape[1])
    if (all(rowSums(cells) > 0) && all(colSums(cells) > 0)) break
  }
  plain <- suppressWarnings(chisq.test(cells, correct = FALSE))
  yates <- suppressWarnings(chisq.test(cells, correct = TRUE))
  out <- list(table = cells,
              pearson = unname(unlist(plain[c("statistic", "parameter", "p.value")])),
              corrected = unname(unlist(yates[c("statistic", "parameter", "p.value")])),
              fisher = fisher.test(cells, workspace = 2e7)$p.value)
  if (shape[1] == 2) {
    p <- cells / rowSums(cells)
    gap <- (p[2, ] - p[1, ])[-1]
    spread <- function(q) diag(q, length(q)) - outer(q, q)
    s <- (spread(p[1, -1]) + spread(p[2, -1])) / 2
    d <- try(sqrt(drop(gap %*% solve(s, gap))), silent = TRUE)
    if (!inherits(d, "try-error")) out$difference <- d
  }
  out
}

made <- list(
  versions = list(R = R.version.string),
  ranks = lapply(1:120, ranks),
  tables = lapply(1:120, tables)
)
write_json(made, file.path(here, "twosample.json"), digits = NA, auto_unbox = TRUE)
