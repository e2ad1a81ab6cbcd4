"""One module per EWS operation: the request, its template, the parser of its answer. No input or output."""
