// Runs a handler of Node.js in the rehearsal: asks the Runtime API for an event, calls the handler, answers.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import http from "node:http";
import https from "node:https";
import fs from "node:fs";
import path from "node:path";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: "/2018-06-01/runtime/" + where, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

// Handlers of custom resources answer by https to port 443 of the host of ResponseURL, whatever else that says: so does
// AWS's cfn-response, and so do the CDK's. The rehearsal listens by http, on a port of its own.
const endpoint = process.env.AWS_ENDPOINT_URL ? new URL(process.env.AWS_ENDPOINT_URL) : undefined;
if (endpoint?.protocol === "http:") {
  const overTLS = https.request;
  https.request = (first, ...rest) => {
    const where = typeof first === "string" ? new URL(first) : first;
    if ((where.hostname ?? where.host) !== endpoint.hostname) {
      return overTLS(first, ...rest);
    }
    return http.request(where instanceof URL ? where : { ...where, protocol: "http:", port: endpoint.port, agent: undefined }, ...rest);
  };
  syncBuiltinESMExports();
}

function told(error) {
  if (error?.code === "MODULE_NOT_FOUND" && /'@(aws-sdk|smithy)\//.test(error.message)) {
    error.message += "\nLambda's Node.js has the AWS SDK, and this machine's has not. Install it where the rehearsal is started: npm install --save-dev " + error.message.match(/'(@[^/']+\/[^/']+)/)[1];
  }
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

function fail(where, error) {
  const body = told(error);
  console.error(JSON.stringify(body));
  return call("POST", where, JSON.stringify(body), { "Lambda-Runtime-Function-Error-Type": body.errorType });
}

async function load() {
  const root = process.env.LAMBDA_TASK_ROOT;
  const name = process.env._HANDLER;
  const dot = name.lastIndexOf(".");
  const file = ["", ".js", ".mjs", ".cjs"].map((end) => path.join(root, name.slice(0, dot) + end)).find((f) => fs.existsSync(f) && fs.statSync(f).isFile());
  if (!file) {
    throw Object.assign(new Error("Cannot find module '" + name.slice(0, dot) + "'"), { name: "Runtime.ImportModuleError" });
  }
  let loaded;
  try {
    loaded = createRequire(path.join(root, "index.js"))(file);
  } catch (error) {
    if (error.code !== "ERR_REQUIRE_ESM" && error.code !== "ERR_REQUIRE_ASYNC_MODULE" && !(error instanceof SyntaxError)) {
      throw error;
    }
    loaded = await import(pathToFileURL(file).href);
  }
  const handler = loaded[name.slice(dot + 1)];
  if (typeof handler !== "function") {
    throw Object.assign(new Error(name + " is undefined or not exported"), { name: "Runtime.HandlerNotFound" });
  }
  return handler;
}

function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    const answered = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof answered?.then === "function") {
      answered.then(resolve, reject);
    } else if (handler.length < 3) {
      resolve(answered);
    }
  });
}

let handler;
try {
  handler = await load();
} catch (error) {
  await fail("init/error", error);
  process.exit(129);
}
for (;;) {
  const next = await call("GET", "invocation/next").catch(() => process.exit(0));
  const id = next.headers["lambda-runtime-aws-request-id"];
  process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"] ?? "";
  const deadline = Number(next.headers["lambda-runtime-deadline-ms"]);
  const client = next.headers["lambda-runtime-client-context"];
  const context = {
    awsRequestId: id,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: client ? JSON.parse(client) : undefined,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: next.headers["lambda-runtime-invoked-function-arn"],
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const value = await invoke(handler, JSON.parse(next.body), context);
    await call("POST", "invocation/" + id + "/response", JSON.stringify(value ?? null), { "Content-Type": "application/json" });
  } catch (error) {
    await fail("invocation/" + id + "/error", error);
  }
}
