"""Laws as predicates, worked out anew: nothing here knows the code that it checks, only its records."""
