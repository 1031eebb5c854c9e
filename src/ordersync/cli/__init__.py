"""The commands of the command line, one module each; they return what is to be printed, and print nothing."""
