"""Refusals as servers word them: status, body, what it comes to, and the field it names if it names one.

Half of them (every other row) were set aside while the words in `synth` were written.
"""

from typing import Any

Row = tuple[int, Any, str, str | None]


def _error(message: Any, code: Any = None, kind: str | None = "invalid_request_error", param: str | None = None) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _of(kind: str, *rows: tuple[Any, ...]) -> list[Row]:
    return [(row[0], row[1], kind, row[2] if len(row) > 2 else None) for row in rows]


FILTERED = _of(
    "filtered",
    (400, _error("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "content_filter", None, "prompt")),
    (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"}}),
    (400, _error("Input data may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed")),
    (400, {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content.", "request_id": "a"}),
    (400, {"error": {"code": "SensitiveContentDetected", "message": "The request failed because the input text may contain sensitive information.", "type": "BadRequest"}}),
    (400, {"error": {"code": "OutputTextSensitiveContentDetected", "message": "The request failed because the output text may contain sensitive information.", "type": "BadRequest"}}),
    (400, _error("Content Exists Risk", "invalid_request_error")),
    (400, {"error": {"message": "The request was rejected because it was considered high risk", "type": "content_filter"}}),
    (200, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}, "choices": None}),
    (200, {"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}),
    (400, {"error": {"code": "unsafe_content", "message": "the content of messages field is unsafe", "type": "invalid_request_error"}}),
    (200, {"error_code": 336104, "error_msg": "the content is not safe, please check it"}),
    (403, {"error": {"message": "The request was blocked by the moderation endpoint: violence", "code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "x"}}}),
    (403, {"error": {"message": "meta-llama/llama-guard requires moderation. Your input was flagged", "code": 403, "metadata": {"reasons": ["self-harm"]}}}),
    (400, _error("用户敏感词检测未通过，请修改后重试", "sensitive_words_detected", "new_api_error")),
    (500, _error("prompt_blocked_due_to_PROHIBITED_CONTENT", "prompt_blocked", "upstream_error")),
    (400, _error("Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.", "invalid_prompt")),
    (400, _error("Your request was rejected as a result of our safety system.", "moderation_blocked", "image_generation_user_error")),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"}}),
    (400, {"message": "The generated text has been blocked by our content filters: guardrail intervened", "__type": "ValidationException"}),
    (451, {"error": "内容违反了相关法律法规，已被拦截"}),
    (400, {"code": 20015, "message": "您的输入涉及违规内容，请修改", "data": None}),
    (400, {"error": {"code": "10013", "message": "input content audit not pass, involving violation; 输入内容审核不通过，涉嫌违规，请重新调整输入内容"}}),
    (400, {"error": {"message": "很抱歉，您输入的内容不合规", "code": "InputRejected"}}),
    (422, {"detail": "Text was rejected: harmful content detected by the safety checker"}),
    (400, {"error_msg": "提示词未通过安全审核", "error_code": 17201}),
)  # fmt: skip

TOO_LONG = _of(
    "too_long",
    (400, _error("This model's maximum context length is 4096 tokens. However, you requested 5024 tokens (4000 in the messages, 1024 in the completion). Please reduce the length of the messages or completion.", "context_length_exceeded", param="messages")),
    (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 5024 tokens.", "type": "BadRequestError", "param": None, "code": 400}),
    (400, _error("'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length is 1000 tokens and your request has 512 input tokens (1024 > 1000 - 512).", 400, "BadRequestError", "max_tokens")),
    (400, {"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}}),
    (400, _error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]", "invalid_parameter_error")),
    (400, {"error": {"code": "1261", "message": "Prompt 超长"}}),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3900 `inputs` tokens and 1024 `max_new_tokens`", "error_type": "validation"}),
    (413, {"error": "Input validation error: `inputs` must have less than 512 tokens. Given: 1200", "error_type": "Validation"}),
    (400, {"object": "error", "message": "The input (5012 tokens) is longer than the model's context length (4096 tokens).", "type": "BadRequestError", "code": 400}),
    (400, {"error": "Trying to keep the first 5012 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}),
    (400, _error("Invalid request: Your request exceeded model token limit: 8192", "invalid_request_error")),
    (400, {"error": {"code": "InvalidParameter", "message": "Total tokens of image and text exceed max message tokens.", "type": "BadRequest"}}),
    (200, {"error_code": 336103, "error_msg": "the max input characters is 20000"}),
    (200, {"error_code": 336007, "error_msg": "the message content length is too long"}),
    (400, {"code": 20015, "message": "length of prompt_tokens (40012) must be less than max_seq_len (32768).", "data": None}),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 213462 tokens > 200000 maximum"}}),
    (400, {"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).", "status": "INVALID_ARGUMENT"}}),
    (400, {"message": "Input is too long for requested model.", "__type": "ValidationException"}),
    (429, _error("Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41234. The input or output tokens must be reduced in order to run successfully.", "rate_limit_exceeded", "tokens")),
    (500, {"error": {"message": "input tokens exceed the configured limit: the prompt has 9000 tokens, the context window is 8192", "type": "server_error"}}),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    (400, _error("输入内容长度超过模型上下文窗口的最大限制", "invalid_request")),
    (400, {"error": {"message": "请求 token 数超出上限（最大 8192）", "code": "param_error"}}),
    (400, {"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", "type": "invalid_request_prompt", "code": "3051"}),
    (400, {"error": {"message": "当前对话内容过长，请新建会话或缩短输入", "type": "bad_request"}}),
    (400, {"error": "exceeded max context length: 2048 tokens"}),
)  # fmt: skip

NO_MONEY = _of(
    "no_money",
    (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}),
    (429, _error("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota")),
    (400, _error("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage")),
    (403, {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}),
    (429, {"error": {"message": "Your account org-x is suspended due to insufficient balance, please recharge your account", "type": "exceeded_current_quota_error"}}),
    (403, {"error": {"code": "AccountOverdueError", "message": "The request failed because your account has an overdue balance.", "type": "Forbidden"}}),
    (402, _error("Insufficient Balance", "invalid_request_error", "unknown_error")),
    (402, {"error": {"message": "Insufficient credits. Add more using https://openrouter.ai/credits", "code": 402}}),
    (200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
    (403, _error("用户额度不足, 剩余额度: ＄0.002000", "insufficient_user_quota", "new_api_error")),
    (403, _error("该令牌额度已用尽 TokenStatusExhausted[sk-***]", "", "one_api_error")),
    (403, _error('The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the "use free tier only" mode.', "AllocationQuota.FreeTierOnly", "AllocationQuota.FreeTierOnly")),
    (429, _error("Rate limit reached for requests per day (RPD): Limit 200, Used 200. Please try again in 7m12s.", "rate_limit_exceeded", "requests")),
    (429, {"error": {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", "code": 429}}),
    (429, {"error": {"code": "1304", "message": "该 API 已达今日调用次数限额"}}),
    (200, {"error_code": 17, "error_msg": "Open api daily request limit reached"}),
    (200, {"error_code": 19, "error_msg": "Open api total request limit reached"}),
    (429, {"message": "Too many tokens per day, please wait before trying again."}),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}),
    (429, {"error": {"message": "您的账户已欠费，请前往费用中心充值后重试", "code": "account_in_debt"}}),
    (429, {"error": {"code": "1310", "message": "已达到每周使用上限，您的限额将在 2026-12-07 重置"}}),
    (429, {"error": "you have reached your weekly usage limit, upgrade for higher limits"}),
    (403, {"error": {"code": "SetLimitExceeded", "message": "Your account has reached the set inference limit for the model, and the model service has been paused."}}),
    (429, {"error": {"message": "套餐包已用完，请购买资源包", "code": "quota_used_up"}}),
    (402, "Payment Required"),
)  # fmt: skip

NO_RIGHT = _of(
    "no_right",
    (401, _error("Incorrect API key provided: sk-x.", "invalid_api_key")),
    (401, {"error": {"code": "1000", "message": "身份验证失败。"}}),
    (401, {"code": 20012, "message": "Api key is invalid"}),
    (401, {"error": {"code": "AuthenticationError", "message": "the API key or AK/SK in the request is missing or invalid.", "type": "Unauthorized"}}),
    (403, {"error": {"code": "AccessDenied", "message": "You do not have permission to access this resource", "type": "Forbidden"}}),
    (403, {"error": {"code": "1220", "message": "您无权访问该 API。"}}),
    (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail: Please carry the API secret key in the 'Authorization' field of the request header"}}),
    (200, {"error_code": 110, "error_msg": "Access token invalid or no longer valid"}),
    (403, {"error": {"message": "Country, region, or territory not supported", "code": "unsupported_country_region_territory", "type": "request_forbidden"}}),
    (401, _error("无效的令牌", "", "new_api_error")),
    (429, {"error": {"code": "1112", "message": "您的账户已被锁定，请联系客服解锁。"}}),
    (403, _error("The account associated with this API key has been deactivated.", "account_deactivated")),
    (400, {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}),
    (403, "Forbidden"),
)  # fmt: skip

NO_MODEL = _of(
    "no_model",
    (404, _error("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found")),
    (404, {"error": {"code": "ModelNotOpen", "message": "Your account has not activated the model doubao-x. Please activate the model service in the Ark Console.", "type": "Not Found"}}),
    (404, {"error": {"code": "InvalidEndpointOrModel.NotFound", "message": "The model or endpoint x does not exist or you do not have access to it.", "type": "NotFound"}}),
    (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}),
    (400, {"code": 20012, "message": "Model does not exist. Please check it carefully.", "data": None}),
    (400, _error("Model Not Exist", "invalid_request_error")),
    (404, {"error": {"message": "model 'x' not found, try pulling it first", "type": "api_error"}}),
    (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}),
    (400, {"error": {"message": "x is not a valid model ID", "code": 400}}),
    (404, {"error": {"message": "No endpoints found for x.", "code": 404}}),
    (403, {"code": 30003, "message": "Model disabled", "data": None}),
    (404, "404 page not found"),
    (400, _error("Invalid model: unknown_model x", "1500", "invalid_model", "model")),
)  # fmt: skip

NOT_TAKEN = _of(
    "not_taken",
    (400, _error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "unsupported_parameter", param="max_tokens"), "max_tokens"),
    (422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 1}]}, "type": "invalid_request_error"}, "seed"),
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"], "msg": "Extra inputs are not permitted"}]}, "top_p"),
    (400, _error("`temperature` and `top_p` cannot both be specified for this model. Please use only one."), "top_p"),
    (400, {"error": {"code": "1210", "message": "API 调用参数有误，请检查文档。temperature 取值范围为 (0, 1]"}}, "temperature"),
    (400, {"error": {"code": "1210", "message": "API 调用参数有误，请检查文档。"}}, None),
    (400, _error("This response_format type is unavailable now"), "response_format"),
    (400, _error("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."), "response_format"),
    (400, _error("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "invalid_parameter_error"), "response_format"),
    (400, _error("parameter.enable_thinking must be set to false for non-streaming calls", "invalid_parameter_error"), "enable_thinking"),
    (400, _error("This model only support stream mode, please enable the stream parameter to access the model.", "invalid_parameter_error"), "stream"),
    (400, _error("Unrecognized request argument supplied: seed", None), "seed"),
    (400, _error("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), "max_tokens"),
    (400, _error("<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 2000]", "invalid_parameter_error"), "max_tokens"),
    (400, _error("Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.", "unsupported_value", param="temperature"), "temperature"),
    (400, {"object": "error", "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'}]", "type": "BadRequestError", "code": 400}, "seed"),
    (422, {"error": "Failed to deserialize the JSON body into the target type: unknown field `seed`, expected one of `model`, `messages`"}, "seed"),
    (400, {"error": {"code": "InvalidParameter", "message": "The parameter `top_p` specified in the request are not valid: must be in (0, 1].", "param": "top_p", "type": "BadRequest"}}, "top_p"),
    (400, {"error": {"code": "1214", "message": "seed 参数非法。请检查文档。"}}, "seed"),
    (400, {"code": "InvalidParameter", "message": "当前模型不支持参数 seed"}, "seed"),
    (400, _error("该模型仅支持流式调用"), "stream"),
    (400, _error("json mode is not supported for this model", None), "response_format"),
    (400, {"error": {"message": "Guided decoding / structured outputs backend failed to compile the grammar", "type": "BadRequestError"}}, "response_format"),
    (200, {"error_code": 336003, "error_msg": "the temperature is invalid, temperature should be in (0, 1.0]"}, "temperature"),
    (400, {"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.', "status": "INVALID_ARGUMENT"}}, "seed"),
)  # fmt: skip

WAIT = _of(
    "wait",
    (429, {"error": {"code": "1302", "message": "您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。"}}),
    (429, {"error": {"message": "Rate limit exceeded: free-models-per-min. ", "code": 429}}),
    (200, {"error": {"message": "Rate limit exceeded: free-models-per-min. ", "code": 429}}),
    (400, _error("Requests rate limit exceeded, please try again later.", "Throttling.RateQuota", "Throttling.RateQuota")),
    (403, {"code": 20053, "message": "RPM limit exceeded. Please retry later", "data": None}),
    (429, _error("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.", "rate_limit_exceeded", "tokens")),
    (429, {"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."}}),
    (429, {"error": {"code": 429, "message": "You exceeded your current quota, please check your plan and billing details. Quota exceeded for metric: generate_content_free_tier_requests, limit: 15", "status": "RESOURCE_EXHAUSTED", "details": [{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}]}}),
    (200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"}}),
    (200, {"base_resp": {"status_code": 1039, "status_msg": "token limit"}}),
    (200, {"error_code": 18, "error_msg": "Open api qps request limit reached"}),
    (429, {"error": {"code": "ModelAccountTpmRateLimitExceeded", "message": "The request failed because it exceeded the TPM limit", "type": "TooManyRequests"}}),
    (429, _error("Allocated quota exceeded, please increase your quota limit.", "Throttling.AllocationQuota", "Throttling.AllocationQuota")),
    (429, _error("当前分组上游负载已饱和，请稍后再试", "upstream_error", "new_api_error")),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    (429, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    (429, {"error": {"message": "The engine is currently overloaded, please try again later", "type": "engine_overloaded_error"}}),
    (429, {"error": {"message": "Your account org-x request reached organization max concurrency: 3, please try again after 1 seconds", "type": "rate_limit_reached_error"}}),
    (400, {"message": "Too many requests, please wait before trying again.", "__type": "ThrottlingException"}),
    (429, {"error": "Model is overloaded", "error_type": "overloaded"}),
    (200, {"error": {"code": "1305", "message": "当前 API 请求过多，请稍后重试。"}}),
    (529, {}),
    (429, ""),
    (503, {"error": {"message": "服务器繁忙，请稍后再试", "type": "busy"}}),
)  # fmt: skip

BROKEN = _of(
    "broken",
    (500, _error("The server had an error processing your request", None, "server_error")),
    (502, "<html>Bad Gateway</html>"),
    (504, ""),
    (500, {"error": {"code": "1230", "message": "API 调用流程出错。"}}),
    (200, {"base_resp": {"status_code": 1013, "status_msg": "unknown error"}}),
    (408, {"error": "Request timed out"}),
    (200, {"error_code": 2, "error_msg": "Service temporarily unavailable"}),
)  # fmt: skip

REFUSED = _of(
    "refused",
    (400, _error("Frobnication of the gizmo did not succeed")),
    (422, {"detail": "Unprocessable"}),
    (418, ""),
    (400, {"error": {"message": "该请求被拒绝", "code": "E-77"}}),
)  # fmt: skip

ROWS = [*FILTERED, *TOO_LONG, *NO_MONEY, *NO_RIGHT, *NO_MODEL, *NOT_TAKEN, *WAIT, *BROKEN, *REFUSED]
