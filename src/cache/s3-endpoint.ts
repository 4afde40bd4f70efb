type Section = Readonly<Record<string, string | undefined>>

const inServices = ({ services }: Section, file: Readonly<Record<string, Section>> | undefined): string | undefined =>
  services === undefined ? undefined : file?.[`services.${services}`]?.['s3.endpoint_url']

/** Where AWS's reference ("Service-specific endpoints") lets an endpoint be named, in its order: the service's before the general one. */
export const getEndpointUrlConfig = {
  environmentVariableSelector: (environment: Section): string | undefined =>
    environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL || undefined,
  configFileSelector: (profile: Section, file?: Readonly<Record<string, Section>>): string | undefined =>
    inServices(profile, file) ?? profile.endpoint_url,
  default: undefined,
}
