"""What clients see: HTTP and websocket, signatures, actions, questions, feeds."""
