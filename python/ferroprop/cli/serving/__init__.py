"""Serving a model over HTTP: what ``ferroprop serve`` starts.

============ ===========================================================================================
`server`     listens, stops when it is asked to, logs; the only module that knows uvicorn
`api`        the routes and their OpenAPI description; the only module that knows FastAPI
`gate`       how many requests are worked on, how many wait, and for how long
`service`    the model: rows in, predictions out, without HTTP
`rows`       the form of the rows, made of the model's card: validation, messages, JSON schema
`caught`     the warnings of a prediction, thread by thread
============ ===========================================================================================

It needs the extra ``ferroprop[serve]``.
"""
