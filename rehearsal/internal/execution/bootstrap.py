"""Runs a handler of Python in the rehearsal: asks the Runtime API for an event, calls the handler, answers.

https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""
import http.client
import importlib
import json
import os
import sys
import time
import traceback

BASE = "/2018-06-01/runtime/"
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, where, body=None, headers=None):
    connection.request(method, BASE + where, body, headers or {})
    response = connection.getresponse()
    return response.headers, response.read()


def fail(where, error):
    kind = type(error).__name__
    if isinstance(error, ImportError):
        kind = "Runtime.ImportModuleError"
    trace = traceback.format_tb(error.__traceback__)
    told = {"errorMessage": str(error), "errorType": kind, "requestId": "", "stackTrace": trace}
    print("[ERROR] %s: %s\n%s" % (kind, error, "".join(trace)), file=sys.stderr, flush=True)
    call("POST", where, json.dumps(told), {"Lambda-Runtime-Function-Error-Type": kind})


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        client = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = json.loads(client) if client else None
        self.identity = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))


def main():
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    try:
        module, name = os.environ["_HANDLER"].rsplit(".", 1)
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except BaseException as error:  # whatever a module does when it is loaded
        fail("init/error", error)
        sys.exit(1)
    while True:
        try:
            headers, body = call("GET", "invocation/next")
        except (OSError, http.client.HTTPException):
            return  # the rehearsal has ended
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        where = "invocation/" + headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer = json.dumps(handler(json.loads(body), Context(headers)))
        except Exception as error:
            sys.stdout.flush()
            fail(where + "/error", error)
            continue
        sys.stdout.flush()
        call("POST", where + "/response", answer, {"Content-Type": "application/json"})


main()
