"""Who a node is: keys, descriptor, key store, payer proofs."""
