"""Missing values imputed, and analyses of imputed tables pooled."""
