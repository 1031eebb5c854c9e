"""Many simulations: played over several processes, told of, made smaller, and kept."""
