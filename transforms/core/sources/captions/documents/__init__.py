"""Documents of one JSON value: found record by record, without decoding what is between."""
