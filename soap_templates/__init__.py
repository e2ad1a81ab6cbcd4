"""Request templates, one XML file per EWS operation; read by `rainbow_exchange.ews.templates`."""
