/** Every failure a client can see: S3's own code, its status and a sentence. */
const failures = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs.'],
  AccessDenied: [403, 'Access denied.'],
  AccessForbidden: [403, 'CORSResponse: This CORS request is not allowed.'],
  AuthorizationHeaderMalformed: [400, 'The authorization header is malformed.'],
  AuthorizationQueryParametersError: [400, 'The authorization query parameters are malformed.'],
  BadDigest: [400, 'The digest that was specified did not match the data that was received.'],
  BucketAlreadyOwnedByYou: [409, 'The bucket exists already and you own it.'],
  BucketNotEmpty: [409, 'The bucket is not empty.'],
  EntityTooLarge: [400, 'The upload exceeds the maximum allowed size.'],
  EntityTooSmall: [400, 'The upload is smaller than the minimum allowed size.'],
  IllegalLocationConstraintException: [400, 'The location constraint does not fit this region.'],
  IncompleteBody: [400, 'The body does not have the number of bytes that was announced.'],
  InternalError: [500, 'An internal error happened. Try again.'],
  InvalidAccessKeyId: [403, 'The access key id does not exist.'],
  InvalidArgument: [400, 'An argument is invalid.'],
  InvalidBucketName: [400, 'The bucket name is not valid.'],
  InvalidChunkSize: [400, 'Only the last chunk may have fewer than 8192 bytes.'],
  InvalidDigest: [400, 'The Content-MD5 or checksum value is not valid.'],
  InvalidEncryptionAlgorithmError: [400, 'The encryption algorithm is not valid; use AES256.'],
  InvalidPart: [400, 'A part was not uploaded, or its ETag does not match.'],
  InvalidPartOrder: [400, 'The parts are not in ascending order.'],
  InvalidPolicyDocument: [400, 'The policy document is not valid.'],
  InvalidRange: [416, 'The requested range cannot be satisfied.'],
  InvalidRequest: [400, 'The request is not valid.'],
  InvalidTag: [400, 'A tag is not valid.'],
  InvalidToken: [400, 'Session tokens are not accepted here.'],
  InvalidURI: [400, 'The URI cannot be parsed.'],
  KeyTooLongError: [400, 'The key is longer than 1024 bytes.'],
  MalformedPOSTRequest: [400, 'The body is not well-formed multipart/form-data.'],
  MalformedTrailerError: [400, 'The trailer does not match what x-amz-trailer announced.'],
  MalformedXML: [400, 'The XML is not well-formed or does not fit the schema.'],
  MaxMessageLengthExceeded: [400, 'The request is too big.'],
  MaxPostPreDataLengthExceeded: [400, 'The form fields before the file are too large.'],
  MetadataTooLarge: [400, 'The metadata headers exceed 2 KiB.'],
  MethodNotAllowed: [405, 'The method is not allowed against this resource.'],
  MissingContentLength: [411, 'The Content-Length header is required.'],
  MissingSecurityHeader: [400, 'The x-amz-content-sha256 header is required.'],
  NoSuchBucket: [404, 'The bucket does not exist.'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist.'],
  NoSuchKey: [404, 'The key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist.'],
  NoSuchUpload: [404, 'The upload does not exist; it may have been aborted or completed.'],
  NoSuchVersion: [404, 'The version does not exist.'],
  NotImplemented: [501, 'This is not implemented here.'],
  PreconditionFailed: [412, 'A precondition did not hold.'],
  RequestTimeTooSkewed: [403, "The request's time differs too much from the server's."],
  ServerSideEncryptionConfigurationNotFoundError: [404, 'The encryption configuration does not exist.'],
  SignatureDoesNotMatch: [
    403,
    'The signature does not match the request. Check the key and the signing method.',
  ],
  XAmzContentSHA256Mismatch: [400, 'The x-amz-content-sha256 header does not match the body.'],
} as const satisfies Record<string, readonly [number, string]>

export type FailureCode = keyof typeof failures

export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: FailureCode
  readonly status: number
  /** Extra elements of the XML answer. */
  readonly facts: Record<string, string>

  constructor(code: FailureCode, message: string = failures[code][1], facts: Record<string, string> = {}) {
    super(message)
    this.code = code
    this.status = failures[code][0]
    this.facts = facts
  }
}
