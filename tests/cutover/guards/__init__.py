"""The guards of the domain, one module of it each: what each guard is for, where its loss shows, and the text that is it."""
