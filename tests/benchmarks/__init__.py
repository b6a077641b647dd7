"""`make benchmark`: generation, client, contract run and reference server next to other tools. Asserts no times."""
