"""A click: from the token to where the reader wanted to go, and a fact that is durable before they get
there.
"""
