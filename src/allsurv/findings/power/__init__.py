"""What a cohort of a given size could have found."""
