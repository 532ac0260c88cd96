"""Survival inference and measures of prediction: arrays in, frozen values out."""
